import { type TrackReference, useLocalParticipant } from "@livekit/components-react";
import { type CSSProperties, useRef } from "react";
import { useCall } from "../callcontext.ts";
import { useElementSize } from "../hooks/useElementSize.ts";
import { useTileOrder } from "../hooks/useTileOrder.ts";
import { stripLayout } from "../layout.ts";
import { ShareTile } from "./ShareTile.tsx";
import type { Cameras } from "./StageTiles.tsx";
import { Tile } from "./Tile.tsx";

type FocusLayoutProps = {
  focused: TrackReference;
  shares: readonly TrackReference[];
  cameras: Cameras;
  onChoose: (share: TrackReference) => void;
};

/** The shared screen large, as many people as fit beside or below it, speakers first among them. */
export function FocusLayout({ focused, shares, cameras, onChoose }: FocusLayoutProps) {
  const { strings } = useCall();
  const area = useRef<HTMLDivElement>(null);
  const { width, height } = useElementSize(area);
  const { localParticipant } = useLocalParticipant();
  const strip = stripLayout(width, height);
  const mine = localParticipant.identity;
  const isCrowded = cameras.size > strip.fit;
  const places = isCrowded ? Math.max(1, strip.fit - 1) : strip.fit; // the last place says how many more there are
  const others = useTileOrder(
    [...cameras.keys()].filter((identity) => identity !== mine),
    places,
  );
  // Where room is scarce people look at the others, not at themselves.
  const order = [...others, mine];
  const shown = order.slice(0, places);
  const style = { "--tile-width": `${strip.tileWidthPx}px` } as CSSProperties;
  return (
    <div ref={area} className={`focus focus--${strip.side}`} style={style} data-testid="focus-layout">
      <div className="focus__main">
        {shares.length > 1 && (
          <div className="focus__shares">
            {shares.map((share) => (
              <button
                key={share.publication.trackSid}
                type="button"
                className="stage-button"
                aria-pressed={share.publication.trackSid === focused.publication.trackSid}
                onClick={() => onChoose(share)}
              >
                {strings.screenOf(share.participant.name || share.participant.identity)}
              </button>
            ))}
          </div>
        )}
        <ShareTile share={focused} />
      </div>
      <div className="focus__strip">
        {shown.map((identity) => {
          const camera = cameras.get(identity);
          return camera && <Tile key={identity} camera={camera} />;
        })}
        {order.length > shown.length && (
          <p className="focus__more" data-testid="strip-more">
            +{order.length - shown.length}
          </p>
        )}
      </div>
    </div>
  );
}
