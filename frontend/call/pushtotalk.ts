// Holding the space bar to talk: only where the bar does nothing else, that is while the focus is on no control.
import type { KeyPress } from "./keyboard.ts";

export const TALK_KEY = " ";

const CONTROLS = new Set([
  "a",
  "audio",
  "button",
  "details",
  "embed",
  "iframe",
  "input",
  "select",
  "summary",
  "textarea",
  "video",
]);

export type FocusPlace = {
  tagName: string;
  isContentEditable?: boolean;
  tabIndex?: number;
  getAttribute?: (name: string) => string | null;
} | null;

/** Whether the focus is on something that the space bar works: a control, a menu's entry, a text field. */
export function isOnControl(focused: FocusPlace): boolean {
  if (!focused) return false;
  if (focused.isContentEditable || CONTROLS.has(focused.tagName.toLowerCase())) return true;
  // Headings and the stage take the focus (tabindex −1) without being controls.
  return (focused.tabIndex ?? -1) >= 0 || focused.getAttribute?.("role")?.startsWith("menu") === true;
}

export function startsTalk(press: KeyPress, focused: FocusPlace): boolean {
  return (
    press.key === TALK_KEY &&
    !press.ctrlKey &&
    !press.altKey &&
    !press.metaKey &&
    !press.repeat &&
    !isOnControl(focused)
  );
}

/** Who holds the bar talks until it is let go; a microphone that was open before stays open. */
export class TalkHold {
  private isHolding = false;
  private readonly turn: (isOn: boolean) => void;

  constructor(turn: (isOn: boolean) => void) {
    this.turn = turn;
  }

  /** Whether the press was taken. */
  press(isMicrophoneOn: boolean): boolean {
    if (this.isHolding || isMicrophoneOn) return false;
    this.isHolding = true;
    this.turn(true);
    return true;
  }

  /** Also when the window loses the focus: a key let go elsewhere is never seen. */
  release(): void {
    if (!this.isHolding) return;
    this.isHolding = false;
    this.turn(false);
  }
}
