// What was plugged in or pulled out, from two lists of the machine's devices.
import type { Device, DeviceKind } from "./devices.ts";

export type DeviceLists = Record<DeviceKind, Device[]>;
/** Newly there: a headset is a microphone and a speaker of one group, told once. */
export type Arrival = { label: string; microphoneId: string; speakerId: string; cameraId: string };

const KINDS: readonly DeviceKind[] = ["audioinput", "audiooutput", "videoinput"];
/** Browsers list the system's choice once more under these names. */
const ALIASES = new Set(["default", "communications"]);

/** The newest thing that was plugged in; null where nothing was, or where the browser hides names until a device is granted. */
export function arrivalIn(before: DeviceLists, after: DeviceLists): Arrival | null {
  const fresh = (kind: DeviceKind) => {
    // An empty list before means "not allowed to know", not "nothing there".
    if (before[kind].length === 0) return [];
    const known = new Set(before[kind].map(({ id }) => id));
    return after[kind].filter(({ id, label }) => !known.has(id) && !ALIASES.has(id) && label !== "");
  };
  const [microphones, speakers, cameras] = KINDS.map(fresh) as [Device[], Device[], Device[]];
  const first = microphones[0] ?? speakers[0] ?? cameras[0];
  if (!first) return null;
  const partner = (devices: Device[]) =>
    (devices.find(({ groupId }) => groupId !== "" && groupId === first.groupId) ?? devices[0])?.id ?? "";
  return {
    label: first.label,
    microphoneId: partner(microphones),
    speakerId: partner(speakers),
    // A camera beside a headset is another thing; a camera with a microphone of its own is one.
    cameraId: microphones.length > 0 || speakers.length > 0 ? "" : first.id,
  };
}

/** Whether the device `id` was there and is gone. */
export function isGone(kind: DeviceKind, id: string, before: DeviceLists, after: DeviceLists): boolean {
  const has = (lists: DeviceLists) => lists[kind].some((device) => device.id === id);
  return has(before) && !has(after);
}
