import { useRoomContext } from "@livekit/components-react";
import { Track } from "livekit-client";
import { useEffect, useRef, useState } from "react";
import { useCall } from "../callcontext.ts";
import { type Arrival, arrivalIn, isGone } from "../devicechange.ts";
import { useDevices } from "./useDevices.ts";
import { useSwitchDevice } from "./useSwitchDevice.ts";

export type DeviceNews = { arrival: Arrival | null; takeIt: () => void; dismiss: () => void };

/** What was plugged in, until it is used or hidden; says what was pulled out, and goes on with the system's choice. */
export function useDeviceNews(): DeviceNews {
  const { strings, notices } = useCall();
  const room = useRoomContext();
  const switchDevice = useSwitchDevice();
  const devices = useDevices(room);
  const previous = useRef(devices);
  const [arrival, setArrival] = useState<Arrival | null>(null);

  useEffect(() => {
    const before = previous.current;
    previous.current = devices;
    const fresh = arrivalIn(before, devices);
    if (fresh) setArrival(fresh);
    const me = room.localParticipant;
    const inUse = {
      // The track knows the true device behind "default".
      audioinput: deviceOf(me.getTrackPublication(Track.Source.Microphone)?.track),
      videoinput: deviceOf(me.getTrackPublication(Track.Source.Camera)?.track),
      audiooutput: room.getActiveDevice("audiooutput") ?? "",
    };
    for (const kind of ["audioinput", "videoinput", "audiooutput"] as const) {
      if (!isGone(kind, inUse[kind], before, devices)) continue;
      const label = before[kind].find(({ id }) => id === inUse[kind])?.label ?? "";
      // Nothing left of this kind: the switch of the bar says so.
      if (devices[kind].length > 0) {
        notices.show(strings.media.deviceGone(label), "warning");
        room
          .switchActiveDevice(kind, "default", false)
          .catch((error: unknown) => console.warn("no device took the other's place", error));
      }
      setArrival((current) => (current?.label === label ? null : current));
    }
  }, [devices, room, notices, strings]);

  const takeIt = async () => {
    if (!arrival) return;
    setArrival(null);
    const { microphoneId, speakerId, cameraId, label } = arrival;
    const results = [
      microphoneId === "" || (await switchDevice("audioinput", microphoneId)),
      speakerId === "" || (await switchDevice("audiooutput", speakerId)),
      cameraId === "" || (await switchDevice("videoinput", cameraId)),
    ];
    if (results.every(Boolean)) notices.show(strings.media.deviceInUse(label));
  };
  return { arrival, takeIt: () => void takeIt(), dismiss: () => setArrival(null) };
}

function deviceOf(track: Track | undefined): string {
  if (!track) return "";
  const source = track as Track & { getSourceTrackSettings?: () => MediaTrackSettings };
  return source.getSourceTrackSettings?.().deviceId ?? "";
}
