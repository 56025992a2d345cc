import type { Control } from "../hooks/useMediaControls.ts";
import { Icon, type IconName } from "./Icon.tsx";

export type ControlButtonProps = {
  icon: IconName;
  label: string;
  title: string;
  control: Control;
  testId: string;
  /** Off is the state that people must notice: own microphone and camera. */
  isAlarming?: boolean;
  badge?: number;
  /** What the number of the badge means, for those who do not see where it stands. */
  badgeText?: string;
};

/** A switch of the bar. It stays focusable while busy: a focus that jumps away is worse than a press that waits. */
export function ControlButton({
  icon,
  label,
  title,
  control,
  testId,
  isAlarming = false,
  badge = 0,
  badgeText = "",
}: ControlButtonProps) {
  return (
    <button
      type="button"
      className={`control${isAlarming ? " control--off" : ""}`}
      aria-pressed={control.isOn}
      aria-busy={control.isBusy}
      title={title}
      data-testid={testId}
      onClick={control.toggle}
    >
      <Icon name={icon} />
      <span className="control__label">{label}</span>
      {badge > 0 && (
        <span className="control__badge" data-testid={`${testId}-badge`}>
          <span aria-hidden={badgeText !== ""}>{badge > 99 ? "99+" : badge}</span>
          {badgeText !== "" && <span className="unseen">{badgeText}</span>}
        </span>
      )}
    </button>
  );
}
