import { useLocalParticipant } from "@livekit/components-react";
import { useRef, useState } from "react";
import { useElementSize } from "../hooks/useElementSize.ts";
import { useKeptTileFocus } from "../hooks/useKeptTileFocus.ts";
import { useLastSpeaker } from "../hooks/useLastSpeaker.ts";
import type { Control } from "../hooks/useMediaControls.ts";
import { useOffPageRest } from "../hooks/useOffPageRest.ts";
import { useStageReferences } from "../hooks/useStageReferences.ts";
import { useTileOrder } from "../hooks/useTileOrder.ts";
import { arrange, tilesPerPage } from "../layout.ts";
import { chooseFocus, type TileFacts } from "../stageview.ts";
import { useStageView } from "../stageviewcontext.ts";
import { AloneHint } from "./AloneHint.tsx";
import { OwnShareNotice } from "./OwnShareNotice.tsx";
import { PagePager } from "./PagePager.tsx";
import { ShareTile } from "./ShareTile.tsx";
import { Tile } from "./Tile.tsx";

/**
 * Everybody's tile, and every share's: a grid, or one of them large. All are children of one box at places that layout.ts computes, so
 * that a change of layout moves them and never mounts a picture anew. Only those of the page at hand are mounted.
 */
export function StageTiles({ ownShare }: { ownShare: Control }) {
  const area = useRef<HTMLDivElement>(null);
  const { width, height } = useElementSize(area);
  const { choice, pinned, isSelfHidden } = useStageView();
  const { localParticipant } = useLocalParticipant();
  const [page, setPage] = useState(0);
  const speaker = useLastSpeaker();
  useOffPageRest();

  const { shares: allShares, cameras } = useStageReferences();
  const mine = localParticipant.identity;
  const shares = new Map([...allShares].filter(([, { participant }]) => !participant.isLocal));
  const others = [...cameras.keys()].filter((identity) => identity !== mine);
  // Who hides their own picture still has it while nothing else is there to see.
  const people = isSelfHidden && others.length + shares.size > 0 ? others : [mine, ...others];
  const facts: TileFacts[] = [
    ...[...shares].map(([key, { participant }]) => factsOf(key, participant, true)),
    ...people.flatMap((identity) => {
      const camera = cameras.get(identity);
      return camera ? [factsOf(identity, camera.participant, false)] : [];
    }),
  ];
  const focused = chooseFocus(facts, choice, pinned, speaker);
  const perPage = tilesPerPage(facts.length, focused !== null, width, height);
  const ownTile = people.includes(mine) ? [mine] : [];
  const firstPage = perPage - (focused === null ? shares.size + ownTile.length : 0);
  const ordered = useTileOrder(others, Math.max(1, firstPage));
  // In a strip people look at the others, not at themselves.
  const order = focused === null ? [...ownTile, ...ordered] : [...ordered, ...ownTile];
  const keys = [...shares.keys(), ...order];
  const { places, page: current, pages } = arrange(keys, focused, width, height, page);
  useKeptTileFocus(area);

  return (
    <div className="tiles" data-testid={focused === null ? "tile-grid" : "focus-layout"} data-focused={focused ?? ""}>
      <div ref={area} className="tiles__area">
        {keys.map((key) => {
          const place = places.get(key);
          if (!place) return null;
          const share = shares.get(key);
          if (share) return <ShareTile key={key} share={share} place={place} isFocused={key === focused} />;
          const camera = cameras.get(key);
          return camera && <Tile key={key} camera={camera} place={place} isFocused={key === focused} />;
        })}
      </div>
      {shares.size < allShares.size && <OwnShareNotice share={ownShare} />}
      {cameras.size < 2 && <AloneHint />}
      {pages > 1 && <PagePager page={current} pages={pages} onPage={setPage} />}
    </div>
  );
}

function factsOf(key: string, participant: { identity: string; isLocal: boolean }, isShare: boolean): TileFacts {
  return { key, identity: participant.identity, isShare, isMine: participant.isLocal };
}
