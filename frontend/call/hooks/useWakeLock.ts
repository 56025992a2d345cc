import { useEffect } from "react";

/** Keeps the screen on during a call. The browser lets go of it whenever the page is hidden, so it is asked for again. */
export function useWakeLock(): void {
  useEffect(() => {
    if (!("wakeLock" in navigator)) return;
    let lock: WakeLockSentinel | null = null;
    let isOver = false;
    const keep = () => {
      if (document.visibilityState !== "visible") return;
      navigator.wakeLock.request("screen").then(
        (granted) => {
          if (isOver) void granted.release();
          else lock = granted;
        },
        // A low battery is reason enough to refuse; the call goes on.
        (error: unknown) => console.warn("the screen may go dark", error),
      );
    };
    keep();
    document.addEventListener("visibilitychange", keep);
    return () => {
      isOver = true;
      document.removeEventListener("visibilitychange", keep);
      void lock?.release();
    };
  }, []);
}
