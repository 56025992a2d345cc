import { useRoomContext } from "@livekit/components-react";
import type { LocalVideoTrack } from "livekit-client";
import { useEffect, useRef } from "react";
import { useBackgrounds, useCall, useNoiseFilter } from "../callcontext.ts";
import { cameraOf } from "../localtracks.ts";
import type { DeviceControl } from "./useMediaControls.ts";
import { useMicrophoneTrack } from "./useMicrophoneWatch.ts";

/** Brings each new choice of background onto the camera that is in the call. An effect that breaks down turns the camera off first. */
export function useCameraBackground(camera: DeviceControl): void {
  const { backgrounds } = useCall();
  const room = useRoomContext();
  const { choice, fault } = useBackgrounds();
  const latest = useRef(camera);
  latest.current = camera;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new `choice` is the reason to look again
  useEffect(() => {
    const bring = async () => {
      const track = cameraOf(room.localParticipant)?.track as LocalVideoTrack | undefined;
      if (!track) return;
      if (fault !== null && track.getProcessor() && !track.isMuted) await latest.current.set(false);
      // A camera that is off gets its effect when it is turned on: see localtracks.ts.
      if (!(track.isMuted && backgrounds.isOutdatedOn(track))) await backgrounds.putOn(track);
    };
    // Its failure is a fault in the snapshot, which comes by here again.
    bring().catch((error: unknown) => console.warn("the background was not changed", error));
  }, [choice, fault, room, backgrounds]);
}

/** Brings the choice of noise filter onto the microphone, and onto each that takes its place. */
export function useMicrophoneFilter(): void {
  const { noiseFilter } = useCall();
  const { wanted } = useNoiseFilter();
  const { track } = useMicrophoneTrack();
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new choice is the reason to look again
  useEffect(() => {
    if (track) void noiseFilter.putOn(track);
  }, [wanted, track, noiseFilter]);
}
