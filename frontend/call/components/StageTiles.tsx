import {
  isTrackReference,
  type TrackReference,
  type TrackReferenceOrPlaceholder,
  useTracks,
} from "@livekit/components-react";
import { Track } from "livekit-client";
import { useState } from "react";
import { FocusLayout } from "./FocusLayout.tsx";
import { TileGrid } from "./TileGrid.tsx";

/** One camera reference (or placeholder) per person, by identity. */
export type Cameras = ReadonlyMap<string, TrackReferenceOrPlaceholder>;

/** A grid of people; or, as soon as somebody shares, the shared screen with a strip of people. */
export function StageTiles() {
  const references = useTracks(
    [
      { source: Track.Source.Camera, withPlaceholder: true },
      { source: Track.Source.ScreenShare, withPlaceholder: false },
    ],
    { onlySubscribed: false },
  );
  const [chosenSid, setChosenSid] = useState<string | null>(null);
  const shares = references.filter(
    (reference): reference is TrackReference =>
      isTrackReference(reference) &&
      reference.source === Track.Source.ScreenShare &&
      // Stopped by a moderator: nothing to see any more, until its owner's page has taken it back.
      !reference.publication.isMuted,
  );
  const cameras: Cameras = new Map(
    references
      .filter((reference) => reference.source === Track.Source.Camera)
      .map((reference) => [reference.participant.identity, reference]),
  );
  // Without a choice of their own people see the newest share of somebody else.
  const focused =
    shares.find((share) => share.publication.trackSid === chosenSid) ??
    shares.findLast((share) => !share.participant.isLocal) ??
    shares[0];
  if (!focused) return <TileGrid cameras={cameras} />;
  return (
    <FocusLayout
      focused={focused}
      shares={shares}
      cameras={cameras}
      onChoose={(share) => setChosenSid(share.publication.trackSid)}
    />
  );
}
