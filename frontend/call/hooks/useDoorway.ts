import { useEffect, useState } from "react";
import { useCall } from "../callcontext.ts";
import type { Doorway } from "../contract.ts";
import { LOOK_EVERY_MS, watchDoorway } from "../doorway.ts";

/** What one may know before the door, kept up to date while the page is seen; null as long as it is not known. */
export function useDoorway(isAtDoor: boolean): Doorway | null {
  const { config, api, later } = useCall();
  // What came with the page is old for who comes back from the call to the device check.
  const [doorway, setDoorway] = useState<Doorway | null>(() =>
    performance.now() < LOOK_EVERY_MS ? config.doorway : null,
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was known at first is where the watch begins
  useEffect(() => {
    if (!isAtDoor) return;
    return watchDoorway(doorway, {
      look: api.doorway,
      later,
      isVisible: () => document.visibilityState === "visible",
      onChange: setDoorway,
    });
  }, [api, later, isAtDoor]);
  return doorway;
}
