import { useId, useState } from "react";
import { useCall, useReception } from "../callcontext.ts";
import { Icon } from "./Icon.tsx";

/** How loud one person is for oneself; nobody else notices. */
export function VolumeControl({ identity, name }: { identity: string; name: string }) {
  const { strings, reception } = useCall();
  const { volumes } = useReception();
  const [isOpen, setIsOpen] = useState(false);
  const id = useId();
  const percent = Math.round((volumes.get(identity) ?? 1) * 100);
  return (
    <>
      <button
        type="button"
        className={`icon-button${percent < 100 ? " icon-button--changed" : ""}`}
        aria-label={strings.media.volumeOf(name)}
        title={strings.media.volume}
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        data-testid={`volume-button-${identity}`}
        onClick={() => setIsOpen(!isOpen)}
      >
        <Icon name="speaker" />
        {percent < 100 && <span className="icon-button__note">{percent}</span>}
      </button>
      {isOpen && (
        <div id={id} className="volume">
          <input
            type="range"
            min={0}
            max={100}
            step={5}
            value={percent}
            aria-label={strings.media.volumeOf(name)}
            aria-valuetext={`${percent} %`}
            data-testid={`volume-${identity}`}
            onChange={(event) => reception.setVolume(identity, event.target.valueAsNumber)}
          />
          <output>{`${percent} %`}</output>
        </div>
      )}
    </>
  );
}
