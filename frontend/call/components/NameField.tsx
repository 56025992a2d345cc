import type { Ref } from "react";
import { useCall } from "../callcontext.ts";

/** As the portal stores it. */
const LONGEST_NAME = 60;

type NameFieldProps = {
  value: string;
  isMissing: boolean;
  onChange: (name: string) => void;
  ref: Ref<HTMLInputElement>;
};

export function NameField({ value, isMissing, onChange, ref }: NameFieldProps) {
  const { strings } = useCall();
  return (
    <div className={`fr-input-group${isMissing ? " fr-input-group--error" : ""}`}>
      <label className="fr-label" htmlFor="guest-name">
        {strings.nameLabel}
        <span className="fr-hint-text">{strings.nameHint}</span>
      </label>
      <input
        ref={ref}
        id="guest-name"
        className={`fr-input${isMissing ? " fr-input--error" : ""}`}
        type="text"
        autoComplete="name"
        maxLength={LONGEST_NAME}
        required
        aria-invalid={isMissing}
        aria-describedby={isMissing ? "guest-name-error" : undefined}
        data-testid="name-input"
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
      {isMissing && (
        <p id="guest-name-error" className="fr-error-text" role="alert">
          {strings.nameMissing}
        </p>
      )}
    </div>
  );
}
