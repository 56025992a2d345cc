import { useRoomContext } from "@livekit/components-react";
import { ConnectionState } from "livekit-client";
import { useEffect, useRef } from "react";
import { useCall, useReception } from "../callcontext.ts";
import type { DeviceControl } from "./useMediaControls.ts";

/** "Sound first": the camera is off until it is switched back. Tiles show no picture meanwhile, and what nobody looks at the engine does not send. */
export function useSoundFirst(camera: DeviceControl): void {
  const room = useRoomContext();
  const { isVideoOff } = useReception();
  const latest = useRef(camera);
  latest.current = camera;
  useEffect(() => {
    if (!isVideoOff || !latest.current.isOn) return;
    void latest.current.set(false);
    return () => {
      if (room.state === ConnectionState.Connected) void latest.current.set(true);
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
