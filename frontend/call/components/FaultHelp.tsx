import { useCall } from "../callcontext.ts";
import type { DeviceFault } from "../devicefault.ts";
import { type Agent, repairSteps, whereIs } from "../repair.ts";

type FaultHelpProps = { microphone: DeviceFault | null; camera: DeviceFault | null; onRetry: () => void };

/** Why a device did not open, and the steps that repair it in this browser. One box for both when it is the same reason. */
export function FaultHelp({ microphone, camera, onRetry }: FaultHelpProps) {
  const { strings } = useCall();
  const fault = microphone ?? camera;
  if (!fault) return null;
  const where = whereIs(navigator as unknown as Agent);
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
        {repairSteps(fault, where, strings.doorway.repair).map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      <p>{strings.faultStillJoin}</p>
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
