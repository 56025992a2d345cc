import { useRoomContext } from "@livekit/components-react";
import { useCallback } from "react";
import { useCall } from "../callcontext.ts";
import { deviceFault } from "../devicefault.ts";
import type { DeviceKind } from "../devices.ts";
import type { Preferences } from "../preferences.ts";

export const REMEMBERED_AS: Record<DeviceKind, keyof Pick<Preferences, "microphoneId" | "cameraId" | "speakerId">> = {
  audioinput: "microphoneId",
  videoinput: "cameraId",
  audiooutput: "speakerId",
};

/** Changes a device in the call, at once and for the next time; "" is the system's choice. False where it did not work, which is told. */
export function useSwitchDevice(): (kind: DeviceKind, id: string) => Promise<boolean> {
  const { strings, notices, savePreferences } = useCall();
  const room = useRoomContext();
  return useCallback(
    async (kind, id) => {
      savePreferences({ [REMEMBERED_AS[kind]]: id });
      try {
        await room.switchActiveDevice(kind, id || "default", id !== "");
        return true;
      } catch (error) {
        console.warn("the device was not changed", error);
        notices.show(strings.deviceFailed[deviceFault(error)], "warning");
        return false;
      }
    },
    [room, strings, notices, savePreferences],
  );
}
