import {
  isTrackReference,
  type TrackReferenceOrPlaceholder,
  useConnectionQualityIndicator,
  useIsMuted,
  useLocalParticipant,
} from "@livekit/components-react";
import { ParticipantEvent, Track } from "livekit-client";
import { useCallback, useSyncExternalStore } from "react";
import { useReception } from "../callcontext.ts";
import { type PictureState, pictureState } from "../picturestate.ts";

export type Picture = { state: PictureState; isOn: boolean; quality: string };

/** What there is to say about one person's picture. `hasPicture`: it has been drawn. */
export function usePicture(reference: TrackReferenceOrPlaceholder, hasPicture: boolean): Picture {
  const { participant } = reference;
  const { localParticipant } = useLocalParticipant();
  const { quality: theirLink } = useConnectionQualityIndicator({ participant });
  const { quality: myLink } = useConnectionQualityIndicator({ participant: localParticipant });
  const isMuted = useIsMuted(reference);
  const isPaused = useIsPaused(reference);
  const { isVideoOff: isSoundFirst } = useReception();
  const isPublished = isTrackReference(reference);
  const hasTrack = useHasTrack(reference);
  const state = pictureState({
    isMine: participant.isLocal,
    isCameraOn: isPublished && !isMuted,
    hasTrack,
    hasPicture,
    isPaused,
    theirLink,
    myLink,
    isSoundFirst,
  });
  return { state, isOn: hasTrack && !isMuted && state !== "sound-first", quality: theirLink };
}

/** Whether the track is here; it comes and goes with the subscription while its publication stays the same. */
function useHasTrack(reference: TrackReferenceOrPlaceholder): boolean {
  const { participant } = reference;
  const subscribe = useCallback(
    (changed: () => void) => {
      const events = [ParticipantEvent.TrackSubscribed, ParticipantEvent.TrackUnsubscribed] as const;
      for (const event of events) participant.on(event, changed);
      return () => {
        for (const event of events) participant.off(event, changed);
      };
    },
    [participant],
  );
  return useSyncExternalStore(
    subscribe,
    () => isTrackReference(reference) && reference.publication.track !== undefined,
  );
}

/** Whether the engine holds the stream back. */
export function useIsPaused(reference: TrackReferenceOrPlaceholder): boolean {
  const { participant } = reference;
  const subscribe = useCallback(
    (changed: () => void) => {
      const events = [ParticipantEvent.TrackStreamStateChanged, ParticipantEvent.TrackSubscribed] as const;
      for (const event of events) participant.on(event, changed);
      return () => {
        for (const event of events) participant.off(event, changed);
      };
    },
    [participant],
  );
  const track = isTrackReference(reference) ? reference.publication.track : undefined;
  return useSyncExternalStore(subscribe, () => track?.streamState === Track.StreamState.Paused);
}
