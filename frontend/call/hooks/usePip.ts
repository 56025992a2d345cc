import { useCallback, useEffect, useState } from "react";
import { useCall } from "../callcontext.ts";
import { openPipVideo, openPipWindow, pipKind } from "../pip.ts";

export type Pip = {
  /** The small window, while it is open. */
  window: Window | null;
  isOn: boolean;
  /** null where this browser has no picture-in-picture. */
  toggle: (() => void) | null;
};

/** Picture-in-picture; it ends with the call. */
export function usePip(): Pip {
  const { strings, notices, roomTitle } = useCall();
  const [pipWindow, setPipWindow] = useState<Window | null>(null);
  const [isVideoOut, setIsVideoOut] = useState(false);
  const kind = pipKind();

  useEffect(() => {
    if (!pipWindow) return;
    const forget = () => setPipWindow(null);
    pipWindow.addEventListener("pagehide", forget);
    return () => {
      pipWindow.removeEventListener("pagehide", forget);
      pipWindow.close();
    };
  }, [pipWindow]);

  useEffect(() => {
    const note = () => setIsVideoOut(document.pictureInPictureElement !== null);
    const names = ["enterpictureinpicture", "leavepictureinpicture"];
    for (const name of names) document.addEventListener(name, note, true);
    return () => {
      for (const name of names) document.removeEventListener(name, note, true);
      if (document.pictureInPictureElement) void document.exitPictureInPicture();
    };
  }, []);

  const isOn = pipWindow !== null || isVideoOut;
  const toggle = useCallback(() => {
    const turn = async () => {
      if (pipWindow) setPipWindow(null);
      else if (document.pictureInPictureElement) await document.exitPictureInPicture();
      else if (kind === "window") setPipWindow(await openPipWindow(strings.stage.pipTitle(roomTitle)));
      else await openPipVideo();
    };
    turn().catch((error: unknown) => {
      console.warn("picture-in-picture was not changed", error);
      notices.show(strings.stage.pipFailed, "warning");
    });
  }, [pipWindow, kind, strings, notices, roomTitle]);
  return { window: pipWindow, isOn, toggle: kind === "none" ? null : toggle };
}
