import { useEffect } from "react";

const NAMES = ["microphone", "camera"] as PermissionName[];

/** Calls `onGrant` when the person allows microphone or camera in the browser's own settings, where the browser tells of it. */
export function usePermissionGrant(onGrant: () => void): void {
  useEffect(() => {
    const watched: PermissionStatus[] = [];
    let isOver = false;
    const heed = (event: Event) => {
      if ((event.target as PermissionStatus).state === "granted") onGrant();
    };
    for (const name of NAMES) {
      navigator.permissions?.query({ name }).then(
        (status) => {
          if (isOver) return;
          watched.push(status);
          status.addEventListener("change", heed);
        },
        () => {}, // Firefox ESR does not know these names: there the button remains
      );
    }
    return () => {
      isOver = true;
      for (const status of watched) status.removeEventListener("change", heed);
    };
  }, [onGrant]);
}
