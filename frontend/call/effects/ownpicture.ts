// The person's own background picture: made small here, kept in this browser, sent to nobody but as part of their video.
import type { TextStore } from "../preferences.ts";

const KEY = "visio.background.1";
const WIDTH = 1280;
const HEIGHT = 720;
/** A photograph from a phone has some ten megabytes; more is not a photograph. */
export const MOST_BYTES = 30_000_000;

type Rectangle = { x: number; y: number; width: number; height: number };

/** The largest middle part of a picture that has the shape of the video. */
export function coverCrop(width: number, height: number): Rectangle {
  const isWide = width * HEIGHT > height * WIDTH;
  const cropWidth = isWide ? (height * WIDTH) / HEIGHT : width;
  const cropHeight = isWide ? height : (width * HEIGHT) / WIDTH;
  return { x: (width - cropWidth) / 2, y: (height - cropHeight) / 2, width: cropWidth, height: cropHeight };
}

export class OwnPicture {
  private readonly store: () => TextStore & Pick<Storage, "removeItem">;
  constructor(store: () => TextStore & Pick<Storage, "removeItem">) {
    this.store = store;
  }

  /** As a data: address; "" where there is none. Only what this page itself made is believed. */
  address(): string {
    try {
      const saved = this.store().getItem(KEY) ?? "";
      return /^data:image\/(webp|jpeg|png);base64,[A-Za-z0-9+/=]+$/.test(saved) ? saved : "";
    } catch {
      return ""; // storage is blocked: there is none
    }
  }

  /** Draws `file` small and keeps it. Raises where it is no picture, is too large or cannot be kept. */
  async keep(file: File): Promise<void> {
    if (file.size > MOST_BYTES) throw new RangeError("the picture is too large");
    const bitmap = await createImageBitmap(file);
    const canvas = document.createElement("canvas");
    canvas.width = WIDTH;
    canvas.height = HEIGHT;
    const { x, y, width, height } = coverCrop(bitmap.width, bitmap.height);
    canvas.getContext("2d")?.drawImage(bitmap, x, y, width, height, 0, 0, WIDTH, HEIGHT);
    bitmap.close();
    this.store().setItem(KEY, canvas.toDataURL("image/jpeg", 0.85));
  }

  forget(): void {
    this.store().removeItem(KEY);
  }
}

export const ownPicture = new OwnPicture(() => localStorage);
