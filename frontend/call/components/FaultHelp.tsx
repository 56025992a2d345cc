import { useCall } from "../callcontext.ts";
import type { DeviceFault } from "../devicefault.ts";
import { type Agent, repairOf, whereIs } from "../repair.ts";

type FaultHelpProps = { microphone: DeviceFault | null; camera: DeviceFault | null; onRetry: () => void };

/** Why a device did not open, and the steps that repair it in this browser. One box for both when it is the same reason. */
export function FaultHelp({ microphone, camera, onRetry }: FaultHelpProps) {
  const { strings } = useCall();
  const fault = microphone ?? camera;
  if (!fault) return null;
  const where = whereIs(navigator as unknown as Agent);
  const { steps, further } = repairOf(fault, where, strings.doorway.repair);
  const title =
    microphone && camera
      ? strings.faultTitleBoth
      : microphone
        ? strings.faultTitle.audioinput
        : strings.faultTitle.videoinput;
  return (
    <div
      className="fr-alert fr-alert--warning fault"
      role="alert"
      data-testid="device-fault"
      data-fault={fault}
      data-browser={where.browser}
    >
      <h2 className="fr-alert__title">{title}</h2>
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
      <button
        type="button"
        className="fr-btn fr-btn--secondary fr-btn--sm"
        data-testid="device-retry"
        onClick={onRetry}
      >
        {strings.retry}
      </button>
      {further.length > 0 && (
        <div className="fault__further">
          {further.map((help) => (
            <p key={help}>{help}</p>
          ))}
        </div>
      )}
      <p className="fault__join">{strings.faultStillJoin}</p>
    </div>
  );
}
