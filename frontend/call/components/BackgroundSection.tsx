import { lazy, Suspense, useState } from "react";
import { useBackgrounds, useCall } from "../callcontext.ts";

const BackgroundChooser = lazy(() => import("./BackgroundChooser.tsx"));

/** The background in the device check: folded, since most people leave it as it was. */
export function BackgroundSection() {
  const { strings } = useCall();
  const { choice, fault, isStarting } = useBackgrounds();
  const [isOpen, setIsOpen] = useState(false);
  return (
    <div className="background-section">
      <button
        type="button"
        className="fr-btn fr-btn--tertiary fr-btn--sm"
        aria-expanded={isOpen}
        data-testid="background-button"
        onClick={() => setIsOpen(!isOpen)}
      >
        {strings.media.backgroundIs(strings.media.backgrounds[choice])}
      </button>
      {!isOpen && (
        <p className="backgrounds__state" role="status">
          {isStarting && strings.media.backgroundStarting}
          {fault && (
            <span data-testid="background-fault" data-fault={fault}>
              {strings.media.backgroundFaults[fault]}
            </span>
          )}
        </p>
      )}
      {isOpen && (
        <Suspense fallback={<p aria-busy="true">{strings.media.backgroundStarting}</p>}>
          <BackgroundChooser />
        </Suspense>
      )}
    </div>
  );
}
