import { useCall } from "../callcontext.ts";
import type { DeviceFault } from "../devicefault.ts";
import type { Strings } from "../strings/index.ts";

type FaultHelpProps = { microphone: DeviceFault | null; camera: DeviceFault | null; onRetry: () => void };

function stepsFor(fault: DeviceFault, strings: Strings): readonly string[] {
  const steps = {
    refused: strings.faultRefused,
    missing: strings.faultMissing,
    busy: strings.faultBusy,
    insecure: strings.faultInsecure,
    unknown: strings.faultUnknown,
  };
  return steps[fault];
}

/** Why a device did not open, and the steps that repair it. One box for both when it is the same reason. */
export function FaultHelp({ microphone, camera, onRetry }: FaultHelpProps) {
  const { strings } = useCall();
  const fault = microphone ?? camera;
  if (!fault) return null;
  const title =
    microphone && camera
      ? strings.faultTitleBoth
      : microphone
        ? strings.faultTitle.audioinput
        : strings.faultTitle.videoinput;
  return (
    <div className="fr-alert fr-alert--warning fault" role="alert" data-testid="device-fault" data-fault={fault}>
      <h2 className="fr-alert__title">{title}</h2>
      <ol>
        {stepsFor(fault, strings).map((step) => (
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
