import { useRoomContext } from "@livekit/components-react";
import { type RemoteTrack, RemoteVideoTrack, RoomEvent } from "livekit-client";
import { useEffect } from "react";

type Viewer = Parameters<RemoteVideoTrack["observeElementInfo"]>[0];

/** A viewer that never looks. */
const NOBODY: Viewer = {
  element: {},
  width: () => 0,
  height: () => 0,
  visible: false,
  pictureInPicture: false,
  visibilityChangedAt: undefined,
  observe: () => {},
  stopObserving: () => {},
};

/**
 * Asks the engine for no pictures of people on further pages. Adaptive streams tell it of a track only once the track has had a viewer,
 * and until then the engine sends the smallest layer: of a hundred people that would be seventy-five films nobody sees.
 */
export function useOffPageRest(): void {
  const room = useRoomContext();
  useEffect(() => {
    const rest = (track: RemoteTrack | undefined) => {
      if (track instanceof RemoteVideoTrack && track.isAdaptiveStream) track.observeElementInfo({ ...NOBODY });
    };
    for (const person of room.remoteParticipants.values()) {
      for (const publication of person.videoTrackPublications.values())
        rest(publication.track as RemoteTrack | undefined);
    }
    room.on(RoomEvent.TrackSubscribed, rest);
    return () => void room.off(RoomEvent.TrackSubscribed, rest);
  }, [room]);
}
