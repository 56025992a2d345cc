import { useCall, useReception } from "../callcontext.ts";

/** For the second device on a table: two that speak and listen side by side howl. */
export function WithoutSound() {
  const { strings, reception } = useCall();
  const { isSoundOff } = useReception();
  return (
    <div className="fr-checkbox-group fr-checkbox-group--sm">
      <input
        id="without-sound"
        type="checkbox"
        checked={isSoundOff}
        aria-describedby="without-sound-hint"
        data-testid="join-without-sound"
        onChange={(event) => reception.setSoundOff(event.target.checked)}
      />
      <label className="fr-label" htmlFor="without-sound">
        {strings.media.withoutSound}
        <span className="fr-hint-text" id="without-sound-hint">
          {strings.media.withoutSoundHint}
        </span>
      </label>
    </div>
  );
}
