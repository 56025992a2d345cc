// Why a picture is as it is: what a tile says about itself. No DOM, no livekit.

/** As the engine rates a person's connection. */
export type LinkQuality = "excellent" | "good" | "poor" | "lost" | "unknown";

export type PictureFacts = {
  isMine: boolean;
  /** Published and not muted by its owner. */
  isCameraOn: boolean;
  /** Its track has arrived here. */
  hasTrack: boolean;
  /** It has shown at least one picture since it was attached. */
  hasPicture: boolean;
  /** The engine holds it back, since this person's own link cannot carry it. */
  isPaused: boolean;
  theirLink: LinkQuality;
  myLink: LinkQuality;
  /** This person wants no pictures at all. */
  isSoundFirst: boolean;
};

export type PictureState =
  | "fine"
  | "camera-off"
  | "starting"
  | "paused"
  | "sound-first"
  | "their-link"
  | "their-link-lost"
  | "your-link"
  | "your-own-link";

const isWeak = (quality: LinkQuality): boolean => quality === "poor" || quality === "lost";

/** One reason only, the one that explains most: who reads it wants to know whose fault it is, and whether to wait. */
export function pictureState(facts: PictureFacts): PictureState {
  if (facts.isMine) {
    if (isWeak(facts.myLink)) return "your-own-link";
    return facts.isCameraOn ? "fine" : "camera-off";
  }
  if (facts.theirLink === "lost") return "their-link-lost";
  if (!facts.isCameraOn) return facts.theirLink === "poor" ? "their-link" : "camera-off";
  if (facts.isSoundFirst) return "sound-first";
  if (facts.isPaused) return "paused";
  if (!facts.hasTrack || !facts.hasPicture) return "starting";
  // A weak link of one's own makes everybody look weak; it is named first.
  if (isWeak(facts.myLink)) return "your-link";
  return isWeak(facts.theirLink) ? "their-link" : "fine";
}
