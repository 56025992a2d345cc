import { type RefObject, useEffect } from "react";
import { focusStage } from "../focus.ts";

/** After whoever takes something away has had the time to put the focus elsewhere themselves. */
const GRACE_MS = 50;

/**
 * Whatever disappears with the focus on it (a person's row, a banner, a button of the bar that a turned phone has no room for):
 * the focus goes to the control of the same name where it was laid out anew, else to the panel around it, else to the stage.
 */
export function useFocusGuard(stage: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const element = stage.current;
    if (!element) return;
    let last: HTMLElement | null = null;
    let name = "";
    let panel: Element | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const note = ({ target }: FocusEvent) => {
      last = target as HTMLElement;
      name = nameOf(last);
      panel = last.closest(".panel");
    };
    const guard = () => {
      if (!isNowhere(last)) return;
      const controls = [...element.querySelectorAll<HTMLElement>("button, a[href], input, select, textarea")];
      const again = controls.find((control) => name !== "" && nameOf(control) === name);
      const title = panel?.isConnected ? panel.querySelector<HTMLElement>("h2") : null;
      last = null;
      if (again ?? title) (again ?? title)?.focus({ preventScroll: true });
      else focusStage();
    };
    const observer = new MutationObserver(() => {
      if (!isNowhere(last)) return;
      clearTimeout(timer);
      timer = setTimeout(guard, GRACE_MS);
    });
    element.addEventListener("focusin", note);
    observer.observe(element, { childList: true, subtree: true });
    return () => {
      clearTimeout(timer);
      observer.disconnect();
      element.removeEventListener("focusin", note);
    };
  }, [stage]);
}

function isNowhere(last: Element | null): boolean {
  return last !== null && !last.isConnected && document.activeElement === document.body;
}

function nameOf(control: HTMLElement): string {
  return control.getAttribute("aria-label") ?? control.textContent ?? "";
}
