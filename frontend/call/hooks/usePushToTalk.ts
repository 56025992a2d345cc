import { useEffect, useRef } from "react";
import { useCall } from "../callcontext.ts";
import { startsTalk, TALK_KEY, TalkHold } from "../pushtotalk.ts";
import type { DeviceControl } from "./useMediaControls.ts";

/** While the space bar is held, and only then, a muted person is heard. */
export function usePushToTalk(microphone: DeviceControl): void {
  const { preferences } = useCall();
  const latest = useRef(microphone);
  latest.current = microphone;
  useEffect(() => {
    // One after the other: a short press must end muted.
    let turns: Promise<void> = Promise.resolve();
    const hold = new TalkHold((isOn) => {
      turns = turns.then(() => latest.current.set(isOn));
    });
    const press = (event: KeyboardEvent) => {
      if (!preferences.current.isPushToTalkOn || document.querySelector("dialog[open]")) return;
      if (!startsTalk(event, event.target instanceof HTMLElement ? event.target : null)) return;
      if (hold.press(latest.current.isOn)) event.preventDefault();
    };
    const letGo = (event: KeyboardEvent) => {
      if (event.key === TALK_KEY) hold.release();
    };
    const lose = () => hold.release();
    document.addEventListener("keydown", press);
    document.addEventListener("keyup", letGo);
    window.addEventListener("blur", lose);
    document.addEventListener("visibilitychange", lose);
    return () => {
      hold.release();
      document.removeEventListener("keydown", press);
      document.removeEventListener("keyup", letGo);
      window.removeEventListener("blur", lose);
      document.removeEventListener("visibilitychange", lose);
    };
  }, [preferences]);
}
