import { useLocalParticipant, useRoomContext } from "@livekit/components-react";
import { type LocalVideoTrack, Track } from "livekit-client";
import { useCall } from "../callcontext.ts";
import { deviceFault } from "../devicefault.ts";
import { useDevices } from "./useDevices.ts";

/** Turns from the front to the back camera and back; null where there are no two, or the machine is no phone. */
export function useCameraFacing(): (() => void) | null {
  const { strings, notices } = useCall();
  const room = useRoomContext();
  const { isCameraEnabled } = useLocalParticipant();
  const { videoinput } = useDevices(room);
  const track = room.localParticipant.getTrackPublication(Track.Source.Camera)?.track as LocalVideoTrack | undefined;
  if (!isCameraEnabled || !track || videoinput.length < 2 || !matchMedia("(pointer: coarse)").matches) return null;
  return () => {
    const facingMode = isBackCamera(track.mediaStreamTrack) ? "user" : "environment";
    track.restartTrack({ facingMode }).then(
      () => notices.say(facingMode === "user" ? strings.stage.cameraIsFront : strings.stage.cameraIsBack),
      (error: unknown) => {
        console.warn("the camera was not changed", error);
        notices.show(strings.deviceFailed[deviceFault(error)], "warning");
      },
    );
  };
}

/** What it films is not to be mirrored: people would read backwards what they hold before it. */
export function isBackCamera(track: MediaStreamTrack | undefined): boolean {
  return track?.getSettings().facingMode === "environment";
}
