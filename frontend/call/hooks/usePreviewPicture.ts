import { useEffect, useRef, useState } from "react";
import { useBackgrounds, useCall } from "../callcontext.ts";
import type { ProcessedTrack } from "../effects/processing.ts";

/** The camera as the others will see it: with the chosen background, as soon as it runs. */
export function usePreviewPicture(raw: MediaStreamTrack | null): MediaStreamTrack | null {
  const { backgrounds } = useCall();
  const { choice } = useBackgrounds();
  const [shown, setShown] = useState(raw);
  const running = useRef<{ raw: MediaStreamTrack; processed: ProcessedTrack } | null>(null);

  useEffect(() => {
    let isCurrent = true;
    const stop = () => {
      running.current?.processed.stop();
      running.current = null;
    };
    const bare = () => {
      stop();
      setShown(raw);
    };
    if (!raw || choice === "none") {
      bare();
    } else if (running.current?.raw === raw) {
      backgrounds.change(running.current.processed).catch(() => isCurrent && bare());
    } else {
      stop();
      backgrounds.process(raw).then(
        (processed) => {
          if (!processed) return;
          if (!isCurrent) return processed.stop();
          running.current = { raw, processed };
          setShown(processed.track);
        },
        () => isCurrent && bare(),
      );
    }
    return () => {
      isCurrent = false;
    };
  }, [raw, choice, backgrounds]);

  useEffect(
    () => () => {
      running.current?.processed.stop();
      running.current = null;
    },
    [],
  );
  // Between two cameras the old picture is not this one's.
  return raw === null ? null : shown?.readyState === "ended" ? raw : (shown ?? raw);
}
