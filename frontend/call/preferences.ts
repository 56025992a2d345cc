// What this browser remembers between meetings: devices, switches and a guest's name. Nothing of it leaves the machine.

export type Preferences = {
  name: string;
  microphoneId: string;
  cameraId: string;
  speakerId: string;
  isMicrophoneWanted: boolean;
  isCameraWanted: boolean;
  areShortcutsOn: boolean;
  /** Own key combinations (keyboard.ts) and levels of announcements (news.ts), each as one text. */
  chords: string;
  announcements: string;
  isJoinSoundOn: boolean;
  isHandSoundOn: boolean;
  isChatSoundOn: boolean;
  /** A BackgroundChoice; text, since another release may know others. */
  background: string;
  noiseFilter: string;
  isPushToTalkOn: boolean;
  isMutedSpeechTold: boolean;
  /** A LayoutChoice; text, as above. */
  stageLayout: string;
  isSelfHidden: boolean;
};

export type TextStore = Pick<Storage, "getItem" | "setItem">;

const KEY = "visio.preferences.1";

const DEFAULTS: Preferences = {
  name: "",
  microphoneId: "",
  cameraId: "",
  speakerId: "",
  isMicrophoneWanted: true,
  isCameraWanted: true,
  areShortcutsOn: true,
  chords: "",
  announcements: "",
  isJoinSoundOn: true,
  isHandSoundOn: true,
  isChatSoundOn: true,
  background: "none",
  noiseFilter: "browser",
  isPushToTalkOn: true,
  isMutedSpeechTold: true,
  stageLayout: "auto",
  isSelfHidden: false,
};

/** Remembered choices over the defaults; fields of a wrong type (an older release, a curious person) are dropped. */
export function loadPreferences(store: TextStore): Preferences {
  let saved: unknown;
  try {
    saved = JSON.parse(store.getItem(KEY) ?? "{}");
  } catch {
    return { ...DEFAULTS }; // storage is blocked or its content broken: the defaults always work
  }
  const known = Object.entries(saved ?? {}).filter(
    ([key, value]) => key in DEFAULTS && typeof value === typeof DEFAULTS[key as keyof Preferences],
  );
  return { ...DEFAULTS, ...Object.fromEntries(known) };
}

export function savePreferences(store: TextStore, preferences: Preferences): void {
  try {
    store.setItem(KEY, JSON.stringify(preferences));
  } catch (error) {
    console.warn("choices are not remembered in this browser", error);
  }
}
