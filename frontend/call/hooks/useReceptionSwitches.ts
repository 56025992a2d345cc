import { useRoomContext } from "@livekit/components-react";
import { ConnectionState, type RemoteTrackPublication, RoomEvent, Track } from "livekit-client";
import { useEffect, useRef } from "react";
import { useCall, useReception } from "../callcontext.ts";
import type { DeviceControl } from "./useMediaControls.ts";

/** "Sound first": no picture comes in and none goes out, until it is switched back. */
export function useSoundFirst(camera: DeviceControl): void {
  const room = useRoomContext();
  const { isVideoOff } = useReception();
  const latest = useRef(camera);
  latest.current = camera;
  useEffect(() => {
    if (!isVideoOff) return;
    const wasCameraOn = latest.current.isOn;
    if (wasCameraOn) void latest.current.set(false);
    const want = (isWanted: boolean) => (publication: RemoteTrackPublication) => {
      if (publication.kind === Track.Kind.Video) publication.setSubscribed(isWanted);
    };
    const all = () =>
      [...room.remoteParticipants.values()].flatMap((person) => [
        ...person.trackPublications.values(),
      ]) as RemoteTrackPublication[];
    const refuse = want(false);
    all().forEach(refuse);
    room.on(RoomEvent.TrackPublished, refuse);
    return () => {
      room.off(RoomEvent.TrackPublished, refuse);
      if (room.state !== ConnectionState.Connected) return;
      all().forEach(want(true));
      if (wasCameraOn) void latest.current.set(true);
    };
  }, [isVideoOff, room]);
}

/** Without sound: the microphone is off, too. Who turns it on is in the meeting with this device again. */
export function useSilentDevice(microphone: DeviceControl): void {
  const { reception, notices, strings } = useCall();
  const { isSoundOff } = useReception();
  const latest = useRef(microphone);
  latest.current = microphone;
  const wasOn = useRef(microphone.isOn);
  useEffect(() => {
    if (isSoundOff && latest.current.isOn) void latest.current.set(false);
  }, [isSoundOff]);
  useEffect(() => {
    const isTurnedOn = microphone.isOn && !wasOn.current;
    wasOn.current = microphone.isOn;
    if (!isTurnedOn || !reception.getSnapshot().isSoundOff) return;
    reception.setSoundOff(false);
    notices.show(strings.media.soundIsBack);
  }, [microphone.isOn, reception, notices, strings]);
}
