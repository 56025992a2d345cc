import { type TrackReference, VideoTrack } from "@livekit/components-react";
import { useEffect, useState } from "react";
import { useCall, useReception } from "../callcontext.ts";
import { useIsPaused } from "../hooks/usePicture.ts";
import type { Place } from "../layout.ts";
import { personName } from "../personname.ts";
import { shareKey } from "../stageview.ts";
import { Icon } from "./Icon.tsx";
import { TileMenu } from "./TileMenu.tsx";

/** Somebody else's shared screen; one's own has OwnShareNotice. */
export function ShareTile({ share, place, isFocused }: { share: TrackReference; place: Place; isFocused: boolean }) {
  const { strings } = useCall();
  const { participant } = share;
  const isPaused = useIsPaused(share);
  const { isVideoOff } = useReception();
  const name = personName(participant.name, strings);
  const key = shareKey(participant.identity);
  const [hasPicture, setHasPicture] = useState(false);
  useEffect(() => {
    if (isVideoOff) setHasPicture(false);
  }, [isVideoOff]);
  const notes = {
    off: strings.media.soundFirstOn,
    paused: strings.stage.picture.paused,
    starting: strings.stage.shareStarts(name),
  };
  const state = isVideoOff ? "off" : isPaused ? "paused" : hasPicture ? "fine" : "starting";
  return (
    <figure
      className="tile tile--share"
      style={place}
      aria-label={strings.screenOf(name)}
      data-testid="share-tile"
      data-tile-key={key}
      data-identity={participant.identity}
      data-name={name}
      data-focused={isFocused}
      data-picture={state}
    >
      <div className="tile__frame">
        {!isVideoOff && (
          <VideoTrack
            trackRef={share}
            className="share__video"
            aria-label={strings.screenOf(name)}
            data-testid="share-video"
            onPlaying={() => setHasPicture(true)}
            onEmptied={() => setHasPicture(false)}
          />
        )}
        {state !== "fine" && <p className="tile__note">{notes[state]}</p>}
        <figcaption className="tile__caption">
          <Icon name="share" />
          <span className="tile__name">{strings.screenOf(name)}</span>
        </figcaption>
      </div>
      <TileMenu tileKey={key} name={strings.screenOf(name)} isMine={false} />
    </figure>
  );
}
