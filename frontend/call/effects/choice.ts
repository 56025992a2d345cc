// What may stand behind a person in their picture.

export const PICTURES = ["office", "library", "blue"] as const;
export type PictureName = (typeof PICTURES)[number];
export type BackgroundChoice = "none" | "blur-light" | "blur-strong" | `picture-${PictureName}` | "picture-own";

export const CHOICES: readonly BackgroundChoice[] = [
  "none",
  "blur-light",
  "blur-strong",
  ...PICTURES.map((name) => `picture-${name}` as const),
  "picture-own",
];

/** Pixels of the quarter-size picture that is blurred: light leaves shapes, strong leaves colours. */
const BLUR_RADIUS = { "blur-light": 5, "blur-strong": 18 } as const;

/** What @livekit/track-processors calls it. */
export type BackgroundMode =
  | { mode: "disabled" }
  | { mode: "background-blur"; blurRadius: number }
  | { mode: "virtual-background"; imagePath: string };

/** A remembered choice. One of an older release, or of a picture that this browser no longer has, is none. */
export function parseChoice(text: string, hasOwnPicture: boolean): BackgroundChoice {
  const found = CHOICES.find((choice) => choice === text);
  return found === undefined || (found === "picture-own" && !hasOwnPicture) ? "none" : found;
}

export function modeFor(choice: BackgroundChoice, addressOf: (name: PictureName | "own") => string): BackgroundMode {
  if (choice === "none") return { mode: "disabled" };
  if (choice === "blur-light" || choice === "blur-strong")
    return { mode: "background-blur", blurRadius: BLUR_RADIUS[choice] };
  return {
    mode: "virtual-background",
    imagePath: addressOf(choice.slice("picture-".length) as PictureName | "own"),
  };
}
