// Single-key shortcuts: which act a key press asks for. Single keys must never fire while somebody types (WCAG 2.1.4), and can be switched off.

export type Shortcut = "microphone" | "camera" | "share" | "people" | "help";

export const SHORTCUT_KEYS: Record<Shortcut, string> = {
  microphone: "M",
  camera: "V",
  share: "S",
  people: "P",
  help: "?",
};

export type KeyPress = { key: string; ctrlKey: boolean; altKey: boolean; metaKey: boolean; repeat: boolean };
export type FocusedElement = { tagName: string; isContentEditable?: boolean; type?: string } | null;

const TYPELESS_INPUTS = new Set(["button", "checkbox", "radio", "range", "submit", "reset", "image", "color", "file"]);

function isTyping(focused: FocusedElement): boolean {
  if (!focused) return false;
  if (focused.isContentEditable) return true;
  const tag = focused.tagName.toLowerCase();
  if (tag === "textarea" || tag === "select") return true;
  return tag === "input" && !TYPELESS_INPUTS.has(focused.type ?? "text");
}

export function shortcutFor(press: KeyPress, focused: FocusedElement): Shortcut | null {
  if (press.ctrlKey || press.altKey || press.metaKey || press.repeat || isTyping(focused)) return null;
  const key = press.key.toUpperCase();
  const found = Object.entries(SHORTCUT_KEYS).find(([, shortcutKey]) => shortcutKey === key);
  return found ? (found[0] as Shortcut) : null;
}
