import { useEffect, useRef } from "react";
import { useCall } from "../callcontext.ts";
import { watchLevel } from "../levelmeter.ts";
import { Icon } from "./Icon.tsx";

/** The bar that moves when the person speaks. Drawn past React: sixty renders a second would be for nothing. */
export function LevelMeter({ track }: { track: MediaStreamTrack | null }) {
  const { strings } = useCall();
  const meter = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = meter.current;
    if (!track || !element) return;
    const stop = watchLevel(track, (level) => {
      const percent = Math.round(level * 100);
      element.style.setProperty("--level", `${percent}%`);
      element.setAttribute("aria-valuenow", String(percent));
    });
    return () => {
      stop();
      element.style.setProperty("--level", "0%");
      element.setAttribute("aria-valuenow", "0");
    };
  }, [track]);
  return (
    <div className="level">
      <Icon name={track ? "mic" : "micOff"} />
      {/* biome-ignore lint/a11y/useSemanticElements: <meter> cannot be styled alike in all browsers */}
      <div
        ref={meter}
        className="level__bar"
        role="meter"
        aria-label={strings.micLevel}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={0}
        data-testid="level-meter"
      >
        <span className="level__fill" />
      </div>
      <span className="level__hint">{track ? strings.micLevelHint : strings.micLevelOff}</span>
    </div>
  );
}
