import { useState } from "react";
import { useCall, usePreview } from "../callcontext.ts";
import { type Agent, repairOf, whereIs } from "../repair.ts";

/** There the steps have room beside the picture; on a phone they would push everything else off the screen. */
const IS_WIDE = "(min-width: 62em)";

/** Why a device did not open, and the steps that repair it in this browser. One box for both when it is the same reason. */
export function FaultHelp({ onRetry }: { onRetry: () => void }) {
  const { strings } = useCall();
  const { audioinput, videoinput } = usePreview();
  const [isUnfolded] = useState(() => matchMedia(IS_WIDE).matches);
  const fault = audioinput.fault ?? videoinput.fault;
  if (!fault) return null;
  const where = whereIs(navigator as unknown as Agent);
  const { steps, further } = repairOf(fault, where, strings.doorway.repair);
  const title =
    audioinput.fault && videoinput.fault
      ? strings.faultTitleBoth
      : strings.faultTitle[audioinput.fault ? "audioinput" : "videoinput"];
  return (
    <div
      className="fr-alert fr-alert--warning fault"
      role="alert"
      data-testid="device-fault"
      data-fault={fault}
      data-browser={where.browser}
    >
      <h2 className="fr-alert__title">{title}</h2>
      <p>{strings.faultStillJoin}</p>
      <details className="fault__steps" open={isUnfolded}>
        <summary data-testid="fault-steps">{strings.doorway.howToRepair}</summary>
        {where.name !== "" && (
          <p className="fault__where">
            {where.systemName === ""
              ? strings.doorway.repairForBrowser(where.name)
              : strings.doorway.repairFor(where.name, where.systemName)}
          </p>
        )}
        <ol>
          {steps.map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
        {further.length > 0 && (
          <div className="fault__further">
            {further.map((help) => (
              <p key={help}>{help}</p>
            ))}
          </div>
        )}
      </details>
      <button
        type="button"
        className="fr-btn fr-btn--secondary fr-btn--sm"
        data-testid="device-retry"
        onClick={onRetry}
      >
        {strings.retry}
      </button>
    </div>
  );
}
