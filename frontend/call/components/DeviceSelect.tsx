import { useCall } from "../callcontext.ts";
import type { Device } from "../devices.ts";

type DeviceSelectProps = {
  id: string;
  label: string;
  devices: Device[];
  value: string;
  onChange: (id: string) => void;
};

/** One DSFR menu of devices. A remembered device that is not plugged in shows as the system's choice. */
export function DeviceSelect({ id, label, devices, value, onChange }: DeviceSelectProps) {
  const { strings } = useCall();
  const others = devices.filter((device) => device.id !== "default");
  const current = others.some((device) => device.id === value) ? value : "";
  return (
    <div className="fr-select-group">
      <label className="fr-label" htmlFor={`device-${id}`}>
        {label}
      </label>
      <select
        className="fr-select"
        id={`device-${id}`}
        data-testid={`${id}-select`}
        value={current}
        disabled={devices.length === 0}
        onChange={(event) => onChange(event.target.value)}
      >
        <option value="">{devices.length === 0 ? strings.noDevice : strings.defaultDevice}</option>
        {others.map((device, index) => (
          <option key={device.id} value={device.id}>
            {device.label || strings.unnamedDevice(index + 1)}
          </option>
        ))}
      </select>
    </div>
  );
}
