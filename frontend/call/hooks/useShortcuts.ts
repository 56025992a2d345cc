import { useEffect, useRef } from "react";
import { type Shortcut, shortcutFor } from "../keyboard.ts";

/** Calls the act of a pressed shortcut key, while `isOn` and no dialog is open. */
export function useShortcuts(acts: Record<Shortcut, () => void>, isOn: boolean): void {
  const latest = useRef(acts);
  latest.current = acts;
  useEffect(() => {
    const handleKey = (event: KeyboardEvent) => {
      if (document.querySelector("dialog[open]")) return;
      const shortcut = shortcutFor(event, event.target instanceof HTMLElement ? event.target : null);
      // The list of shortcuts, where they can be switched on again, answers always.
      if (shortcut === null || !(isOn || shortcut === "help")) return;
      event.preventDefault();
      latest.current[shortcut]();
    };
    document.addEventListener("keydown", handleKey);
    return () => document.removeEventListener("keydown", handleKey);
  }, [isOn]);
}
