import { useParticipants } from "@livekit/components-react";
import { useEffect, useRef } from "react";
import { useCall, useSession } from "../callcontext.ts";
import { mayModerate } from "../contract.ts";
import { focusStage } from "../focus.ts";
import { useActs } from "../hooks/useActs.ts";
import { CopyLinkButton } from "./CopyLinkButton.tsx";
import { Icon } from "./Icon.tsx";
import { PersonRow } from "./PersonRow.tsx";
import { WaitingList } from "./WaitingList.tsx";

/** Who waits, who is here, and what a host may do about it. */
export default function PeoplePanel({ onClose }: { onClose: () => void }) {
  const { strings } = useCall();
  const { roomState } = useSession();
  const participants = useParticipants();
  const acts = useActs();
  const title = useRef<HTMLHeadingElement>(null);
  const myRole = roomState?.me.role ?? "participant";
  const isLocked = roomState?.room.isLocked ?? false;
  const waiting = roomState?.waiting ?? [];

  useEffect(() => {
    const opener = document.activeElement;
    title.current?.focus({ preventScroll: true });
    // Closing gives the focus back, unless the person has moved on.
    return () => {
      if (document.activeElement !== document.body) return;
      if (opener instanceof HTMLElement && opener.isConnected && opener !== document.body) opener.focus();
      else focusStage();
    };
  }, []);

  return (
    <aside
      className="panel"
      aria-label={strings.people}
      data-testid="people-panel"
      onKeyDown={(event) => {
        if (event.key === "Escape") onClose();
      }}
    >
      <div className="panel__head">
        <h2 ref={title} tabIndex={-1}>
          {strings.people}
        </h2>
        <button
          type="button"
          className="icon-button"
          aria-label={strings.close}
          data-testid="panel-close"
          onClick={onClose}
        >
          <Icon name="close" />
        </button>
      </div>
      <div className="panel__body">
        {mayModerate(myRole) && waiting.length > 0 && <WaitingList waiting={waiting} />}
        <h3>{strings.inTheCall(participants.length)}</h3>
        <ul className="people">
          {participants.map((participant) => (
            <PersonRow
              key={participant.identity}
              participant={participant}
              role={roomState?.roles[participant.identity] ?? "participant"}
              myRole={myRole}
            />
          ))}
        </ul>
      </div>
      <div className="panel__foot">
        <CopyLinkButton testId="panel-copy-link" />
        {mayModerate(myRole) && (
          <>
            <button
              type="button"
              className="stage-button"
              aria-describedby="lock-hint"
              data-testid={isLocked ? "unlock-button" : "lock-button"}
              onClick={() => acts.onRoom(isLocked ? "unlock" : "lock")}
            >
              <Icon name={isLocked ? "unlock" : "lock"} />
              {isLocked ? strings.unlockRoom : strings.lockRoom}
            </button>
            <p id="lock-hint">{strings.lockHint}</p>
          </>
        )}
      </div>
    </aside>
  );
}
