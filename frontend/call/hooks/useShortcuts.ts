import { useEffect, useRef } from "react";
import { type Chords, type Shortcut, shortcutFor } from "../keyboard.ts";

/** Calls the act of a pressed shortcut, while no dialog is open; single keys only while they are on. */
export function useShortcuts(acts: Record<Shortcut, () => void>, areSingleKeysOn: boolean, chords: Chords): void {
  const latest = useRef(acts);
  latest.current = acts;
  useEffect(() => {
    const handleKey = (event: KeyboardEvent) => {
      if (document.querySelector("dialog[open]")) return;
      const focused = event.target instanceof HTMLElement ? event.target : null;
      const shortcut = shortcutFor(event, focused, chords, areSingleKeysOn);
      if (shortcut === null) return;
      event.preventDefault();
      latest.current[shortcut]();
    };
    document.addEventListener("keydown", handleKey);
    return () => document.removeEventListener("keydown", handleKey);
  }, [areSingleKeysOn, chords]);
}
