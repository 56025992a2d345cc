import { type RefObject, useEffect, useLayoutEffect, useRef } from "react";
import { focusStage } from "../focus.ts";

/** Where a tile with the keyboard's focus goes to another page, the focus goes to its neighbour on screen, never to nowhere. */
export function useKeptTileFocus(area: RefObject<HTMLElement | null>): void {
  const isInside = useRef(false);
  useEffect(() => {
    const note = () => {
      isInside.current = area.current?.contains(document.activeElement) ?? false;
    };
    document.addEventListener("focusin", note);
    return () => document.removeEventListener("focusin", note);
  }, [area]);
  useLayoutEffect(() => {
    if (!isInside.current || document.activeElement !== document.body) return;
    const next = area.current?.querySelector<HTMLElement>("[data-tile-key] button");
    if (next) next.focus({ preventScroll: true });
    else focusStage();
  });
}
