// Which act a key press asks for. Each act has a single key, which never fires while somebody types and can be switched off (WCAG 2.1.4),
// and a combination that works everywhere and that the person may change.

export type Shortcut =
  | "microphone"
  | "camera"
  | "share"
  | "hand"
  | "chat"
  | "people"
  | "pin"
  | "tellState"
  | "tellSpeakers"
  | "tellWaiting"
  | "help";

export const SHORTCUT_KEYS: Record<Shortcut, string> = {
  microphone: "M",
  camera: "V",
  share: "S",
  hand: "H",
  chat: "C",
  people: "P",
  pin: "X",
  tellState: "I",
  tellSpeakers: "Q",
  tellWaiting: "L",
  help: "?",
};

export const SHORTCUTS = Object.keys(SHORTCUT_KEYS) as Shortcut[];

/** The combination of each act: modifiers in this order, then the key, as in "Ctrl+Alt+Shift+M". */
export type Chords = Record<Shortcut, string>;

export const DEFAULT_CHORDS = Object.fromEntries(
  SHORTCUTS.map((shortcut) => [shortcut, `Alt+${SHORTCUT_KEYS[shortcut]}`]),
) as Chords;

export type KeyPress = {
  key: string;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
  repeat: boolean;
  shiftKey?: boolean;
  code?: string;
};
export type FocusedElement = { tagName: string; isContentEditable?: boolean; type?: string } | null;

const TYPELESS_INPUTS = new Set(["button", "checkbox", "radio", "range", "submit", "reset", "image", "color", "file"]);

function isTyping(focused: FocusedElement): boolean {
  if (!focused) return false;
  if (focused.isContentEditable) return true;
  const tag = focused.tagName.toLowerCase();
  if (tag === "textarea" || tag === "select") return true;
  return tag === "input" && !TYPELESS_INPUTS.has(focused.type ?? "text");
}

export function shortcutFor(
  press: KeyPress,
  focused: FocusedElement,
  chords: Chords = DEFAULT_CHORDS,
  areSingleKeysOn = true,
): Shortcut | null {
  if (press.repeat) return null;
  if (press.ctrlKey || press.altKey || press.metaKey) {
    // Option on a Mac and AltGr write signs: while somebody types, those come first.
    const writes = press.altKey && press.key.length === 1 && press.key.toUpperCase() !== baseKey(press);
    if (writes && isTyping(focused)) return null;
    const chord = chordOf(press);
    return SHORTCUTS.find((shortcut) => chord !== null && chords[shortcut] === chord) ?? null;
  }
  if (isTyping(focused)) return null;
  const key = press.key.toUpperCase();
  const found = SHORTCUTS.find((shortcut) => SHORTCUT_KEYS[shortcut] === key) ?? null;
  // The list of shortcuts, where they can be switched on again, answers always.
  return areSingleKeysOn || found === "help" ? found : null;
}

/** The combination that is pressed; null while it is modifiers alone. */
export function chordOf(press: KeyPress): string | null {
  const base = baseKey(press);
  if (base === null) return null;
  // "?" needs Shift on some keyboards and not on others: there Shift says nothing.
  const isShifted = press.shiftKey === true && /^([A-Z0-9]|F\d+)$/.test(base);
  const modifiers = [
    press.ctrlKey && "Ctrl",
    press.altKey && "Alt",
    isShifted && "Shift",
    press.metaKey && "Meta",
  ].filter(Boolean);
  return [...modifiers, base].join("+");
}

function baseKey({ key, code = "" }: KeyPress): string | null {
  if (["Control", "Alt", "AltGraph", "Shift", "Meta", "Dead", "Process", "Unidentified"].includes(key)) {
    // A dead key (Option+E on a Mac) still tells which key of the board it is.
    return key === "Dead" ? letterOf(code) : null;
  }
  if (key === " ") return "Space";
  if (key.length > 1 || /^[\x21-\x7e]$/.test(key)) return key.length > 1 ? key : key.toUpperCase();
  return letterOf(code) ?? key.toUpperCase();
}

function letterOf(code: string): string | null {
  return /^(?:Key|Digit)([A-Z0-9])$/.exec(code)?.[1] ?? null;
}

export type ChordRefusal = { reason: "form" } | { reason: "reserved" } | { reason: "taken"; by: Shortcut };

/** What browsers and systems keep for themselves among the forms that we allow. */
const RESERVED = new Set([
  "Alt+F4",
  "Ctrl+Alt+Delete",
  ...["B", "C", "I", "J", "K", "M", "N", "O", "P", "Q", "R", "T", "W"].map((key) => `Ctrl+Shift+${key}`),
]);

/** Why `chord` cannot stand for `shortcut`; null where it can. */
export function chordRefusal(shortcut: Shortcut, chord: string, chords: Chords): ChordRefusal | null {
  // Alone, Ctrl is the browser's, and the Windows or Command key the system's.
  if (!/^(?:Ctrl\+)?Alt\+(?:Shift\+)?[^+]+$|^Ctrl\+Shift\+[^+]+$/.test(chord)) return { reason: "form" };
  if (!/\+(?:[A-Z0-9?]|F\d{1,2})$/.test(chord)) return { reason: "form" };
  if (RESERVED.has(chord)) return { reason: "reserved" };
  const by = SHORTCUTS.find((other) => other !== shortcut && chords[other] === chord);
  return by === undefined ? null : { reason: "taken", by };
}

/** The person's own combinations as one text, to be remembered. */
export function chordsToText(chords: Chords): string {
  return SHORTCUTS.filter((shortcut) => chords[shortcut] !== DEFAULT_CHORDS[shortcut])
    .map((shortcut) => `${shortcut}=${chords[shortcut]}`)
    .join(" ");
}

/** The opposite; what is unknown, refused or in conflict (another release, a curious person) is dropped. */
export function chordsFromText(text: string): Chords {
  const wanted = new Map(text.split(" ").map((entry) => entry.split("=", 2) as [string, string]));
  const chords = { ...DEFAULT_CHORDS };
  for (const shortcut of SHORTCUTS) chords[shortcut] = wanted.get(shortcut) ?? chords[shortcut];
  for (const shortcut of SHORTCUTS) {
    if (chordRefusal(shortcut, chords[shortcut], chords)) chords[shortcut] = DEFAULT_CHORDS[shortcut];
  }
  const isClear = new Set(Object.values(chords)).size === SHORTCUTS.length;
  return isClear ? chords : { ...DEFAULT_CHORDS };
}
