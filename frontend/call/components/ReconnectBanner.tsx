import { useRoomContext } from "@livekit/components-react";
import { RoomEvent, Track } from "livekit-client";
import { useEffect, useRef, useState } from "react";
import { useCall, useSession } from "../callcontext.ts";

/** Pictures that take longer than this are missing for another reason, which their tiles tell. */
const PICTURES_WITHIN_MS = 8000;

/** What happens, what we do about it, and that there is nothing to do; then that the sound is back before the pictures are. */
export function ReconnectBanner() {
  const { strings } = useCall();
  const { phase } = useSession();
  const layer = phase.name === "reconnecting" ? phase.layer : null;
  const isSoundFirst = useSoundFirst(layer);
  if (layer === null)
    return isSoundFirst ? (
      <div className="banner banner--back" data-testid="sound-back">
        <span className="spinner" aria-hidden="true" />
        <p>{strings.stage.soundFirst}</p>
      </div>
    ) : null;
  const texts = {
    signal: strings.reconnectingSignal,
    media: strings.reconnectingMedia,
    rejoin: strings.reconnectingRejoin,
  };
  return (
    <div className="banner banner--cut" data-testid="reconnecting" data-layer={layer}>
      <span className="spinner" aria-hidden="true" />
      <p>
        <strong>{texts[layer]}</strong> {layer !== "signal" && strings.reconnectingHint}
      </p>
    </div>
  );
}

/** After a cut of the media: true until the first picture of somebody else is there. */
function useSoundFirst(layer: "signal" | "media" | "rejoin" | null): boolean {
  const { later } = useCall();
  const room = useRoomContext();
  const wasCut = useRef(false);
  const [isWaiting, setIsWaiting] = useState(false);
  useEffect(() => {
    if (layer === "media" || layer === "rejoin") wasCut.current = true;
    if (layer !== null || !wasCut.current) return;
    wasCut.current = false;
    const others = [...room.remoteParticipants.values()].flatMap((person) => [
      ...person.videoTrackPublications.values(),
    ]);
    if (!others.some((publication) => !publication.isMuted && publication.track === undefined)) return;
    setIsWaiting(true);
    const done = () => setIsWaiting(false);
    const noteTrack = ({ kind }: { kind: Track.Kind }) => kind === Track.Kind.Video && done();
    room.on(RoomEvent.TrackSubscribed, noteTrack);
    const cancel = later(PICTURES_WITHIN_MS, done);
    return () => {
      room.off(RoomEvent.TrackSubscribed, noteTrack);
      cancel();
      done();
    };
  }, [layer, room, later]);
  return isWaiting;
}
