import { useEffect, useState } from "react";
import { useCall } from "../callcontext.ts";
import type { Inside } from "../contract.ts";
import { LOOK_EVERY_MS, watchDoorway } from "../doorway.ts";

/** Who is inside already, kept up to date while the page is seen; null as long as it is not known. */
export function useInside(): Inside | null {
  const { config, api, later } = useCall();
  // What came with the page is old for who comes back from the call to the device check.
  const [inside, setInside] = useState<Inside | null>(() => (performance.now() < LOOK_EVERY_MS ? config.inside : null));
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was known at first is where the watch begins
  useEffect(
    () =>
      watchDoorway(inside, {
        look: api.inside,
        later,
        isVisible: () => document.visibilityState === "visible",
        onChange: setInside,
      }),
    [api, later],
  );
  return inside;
}
