import { useCallback, useSyncExternalStore } from "react";
import { useCall } from "../callcontext.ts";

/** The whole page, not the stage alone: toasts and dialogs are outside of it. `null` where the browser has no full screen (iPhone). */
export function useFullScreen(): { isOn: boolean; toggle: () => void } | null {
  const { strings, notices } = useCall();
  const isOn = useSyncExternalStore(watch, () => document.fullscreenElement !== null);
  const toggle = useCallback(() => {
    const done = document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
    done.catch((error: unknown) => {
      console.warn("full screen was not changed", error);
      notices.show(strings.stage.fullScreenFailed, "warning");
    });
  }, [strings, notices]);
  return document.fullscreenEnabled ? { isOn, toggle } : null;
}

function watch(changed: () => void): () => void {
  document.addEventListener("fullscreenchange", changed);
  return () => document.removeEventListener("fullscreenchange", changed);
}
