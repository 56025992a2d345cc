// Picture-in-picture, where the browser can: a window of our own (Chromium), or one video (Safari, older Chromium). Nothing of livekit here.

type DocumentPip = { requestWindow(size: { width: number; height: number }): Promise<Window>; window: Window | null };

export type PipKind = "window" | "video" | "none";

const SIZE = { width: 480, height: 320 };

const documentPip = (): DocumentPip | undefined =>
  (window as { documentPictureInPicture?: DocumentPip }).documentPictureInPicture;

export function pipKind(): PipKind {
  if (documentPip()) return "window";
  return document.pictureInPictureEnabled ? "video" : "none";
}

/** An empty window that stays on top, with this page's styles. Raises where the browser does not allow it. */
export async function openPipWindow(title: string): Promise<Window> {
  const pip = documentPip();
  if (!pip) throw new DOMException("no window", "NotSupportedError");
  const opened = await pip.requestWindow(SIZE);
  opened.document.title = title;
  for (const { name, value } of document.documentElement.attributes)
    opened.document.documentElement.setAttribute(name, value);
  for (const sheet of document.querySelectorAll<HTMLLinkElement>("link[rel=stylesheet]")) {
    const link = opened.document.createElement("link");
    link.rel = "stylesheet";
    link.href = sheet.href;
    opened.document.head.append(link);
  }
  return opened;
}

/** Takes one video out of the page: the one in focus, else of whoever speaks, else of anybody. Raises where there is none. */
export async function openPipVideo(): Promise<void> {
  const wanted = ['[data-focused="true"]', '[data-speaking="true"][data-local="false"]', '[data-local="false"]', ""];
  for (const tile of wanted) {
    const video = document.querySelector<HTMLVideoElement>(`[data-tile-key]${tile} video`);
    if (!video) continue;
    await video.requestPictureInPicture();
    return;
  }
  throw new DOMException("no picture", "NotFoundError");
}
