import { useCall, useSession } from "../callcontext.ts";
import type { DeviceLists } from "../hooks/useDevices.ts";
import { BackgroundSection } from "./BackgroundSection.tsx";
import { DeviceSelects } from "./DeviceSelects.tsx";
import { FaultHelp } from "./FaultHelp.tsx";
import { Heading } from "./Heading.tsx";
import type { Choices, PreparationActs } from "./Preparation.tsx";

type WaitingProps = { choices: Choices; devices: DeviceLists; acts: PreparationActs };

/** The lobby: what the person waits for, at which place, what the host tells them, and something useful to do meanwhile. */
export function Waiting({ choices, devices, acts }: WaitingProps) {
  const { roomTitle, strings, session } = useCall();
  const { roomState } = useSession();
  const { queue = null, room } = roomState ?? {};
  const place =
    queue === null
      ? ""
      : queue.length === 1
        ? strings.doorway.aloneInQueue
        : strings.doorway.place(queue.place, queue.length);
  return (
    <div className="check" data-testid="lobby-waiting">
      <p className="check__room">{roomTitle}</p>
      <Heading>{strings.waitingTitle}</Heading>
      <div className="waiting">
        <span className="spinner" aria-hidden="true" />
        <div>
          <p className="waiting__place" role="status" data-testid="queue-place" data-place={queue?.place ?? ""}>
            {place}
          </p>
          <p>{strings.waitingText(roomTitle)}</p>
        </div>
      </div>
      <HostMessage text={room?.lobbyMessage ?? ""} />
      <FaultHelp onRetry={acts.retry} />
      <p>{strings.waitingKeepTesting}</p>
      <DeviceSelects choices={choices} devices={devices} acts={acts} />
      <BackgroundSection />
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

/** There from the start, empty: what comes later is read to who does not see it. */
function HostMessage({ text }: { text: string }) {
  const { strings } = useCall();
  return (
    <div role="status" className={text === "" ? "unseen" : "host-message"} data-testid="host-message">
      {text !== "" && (
        <>
          <p className="host-message__from">{strings.doorway.hostMessage}</p>
          <p className="host-message__text" dir="auto">
            {text}
          </p>
        </>
      )}
    </div>
  );
}
