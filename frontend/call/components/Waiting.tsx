import { useCall } from "../callcontext.ts";
import type { DeviceLists } from "../hooks/useDevices.ts";
import { DeviceSelects } from "./DeviceSelects.tsx";
import { Heading } from "./Heading.tsx";
import type { Choices, PreparationActs } from "./Preparation.tsx";

type WaitingProps = { choices: Choices; devices: DeviceLists; acts: PreparationActs };

/** The lobby: what the person waits for, and something useful to do meanwhile. */
export function Waiting({ choices, devices, acts }: WaitingProps) {
  const { roomTitle, strings, session } = useCall();
  return (
    <div className="check" data-testid="lobby-waiting">
      <p className="check__room">{roomTitle}</p>
      <Heading>{strings.waitingTitle}</Heading>
      <div className="waiting" role="status">
        <span className="spinner" aria-hidden="true" />
        <p>{strings.waitingText(roomTitle)}</p>
      </div>
      <p>{strings.waitingKeepTesting}</p>
      <DeviceSelects choices={choices} devices={devices} acts={acts} />
      <button
        type="button"
        className="fr-btn fr-btn--secondary"
        data-testid="stop-waiting"
        onClick={() => void session.leave()}
      >
        {strings.waitingStop}
      </button>
    </div>
  );
}
