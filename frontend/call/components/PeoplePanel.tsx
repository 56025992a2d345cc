import { useParticipants } from "@livekit/components-react";
import { useCall, useSession } from "../callcontext.ts";
import { mayModerate, type Role } from "../contract.ts";
import { useActs } from "../hooks/useActs.ts";
import { CopyLinkButton } from "./CopyLinkButton.tsx";
import { Icon } from "./Icon.tsx";
import { Panel } from "./Panel.tsx";
import { PersonRow } from "./PersonRow.tsx";
import { WaitingList } from "./WaitingList.tsx";

/** Who waits, who is here, and what a host may do about it. */
export default function PeoplePanel() {
  const { strings } = useCall();
  const { roomState } = useSession();
  const participants = useParticipants();
  const myRole = roomState?.me.role ?? "participant";
  const isLocked = roomState?.room.isLocked ?? false;
  const waiting = roomState?.waiting ?? [];

  return (
    <Panel name="people" title={strings.people} foot={<Foot myRole={myRole} isLocked={isLocked} />}>
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
    </Panel>
  );
}

/** The link for everybody, the door for those who keep it. */
function Foot({ myRole, isLocked }: { myRole: Role; isLocked: boolean }) {
  const { strings } = useCall();
  const acts = useActs();
  return (
    <>
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
    </>
  );
}
