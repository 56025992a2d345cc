import { useEffect, useState } from "react";
import { type Device, type DeviceKind, listDevices } from "../devices.ts";

export type DeviceLists = Record<DeviceKind, Device[]>;

/** The machine's devices, kept up to date; read again when `permission` changes, since labels appear with it. */
export function useDevices(permission: unknown): DeviceLists {
  const [devices, setDevices] = useState<DeviceLists>({ audioinput: [], videoinput: [], audiooutput: [] });
  // biome-ignore lint/correctness/useExhaustiveDependencies: `permission` is the reason to read again
  useEffect(() => {
    let isCurrent = true;
    const read = () => {
      listDevices().then(
        (found) => isCurrent && setDevices(found),
        (error: unknown) => console.warn("devices could not be listed", error),
      );
    };
    read();
    navigator.mediaDevices?.addEventListener("devicechange", read);
    return () => {
      isCurrent = false;
      navigator.mediaDevices?.removeEventListener("devicechange", read);
    };
  }, [permission]);
  return devices;
}
