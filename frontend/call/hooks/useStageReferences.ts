import {
  isTrackReference,
  type TrackReference,
  type TrackReferenceOrPlaceholder,
  useTracks,
} from "@livekit/components-react";
import { Track } from "livekit-client";
import { shareKey } from "../stageview.ts";

export type StageReferences = {
  /** By the key of the share's tile, in the order in which they began. */
  shares: Map<string, TrackReference>;
  /** Cameras, or what stands for them, by identity. */
  cameras: Map<string, TrackReferenceOrPlaceholder>;
};

/** All that may have a tile. */
export function useStageReferences(): StageReferences {
  const references = useTracks(
    [
      { source: Track.Source.Camera, withPlaceholder: true },
      { source: Track.Source.ScreenShare, withPlaceholder: false },
    ],
    { onlySubscribed: false },
  );
  const shares = new Map<string, TrackReference>();
  const cameras = new Map<string, TrackReferenceOrPlaceholder>();
  for (const reference of references) {
    const { identity } = reference.participant;
    if (reference.source === Track.Source.Camera) cameras.set(identity, reference);
    // Stopped by a moderator: nothing to see any more, until its owner's page has taken it back.
    else if (isTrackReference(reference) && !reference.publication.isMuted) shares.set(shareKey(identity), reference);
  }
  return { shares, cameras };
}
