import { useLocalParticipant, useParticipants } from "@livekit/components-react";
import { RoomEvent } from "livekit-client";
import { useId, useState } from "react";
import { useCall, useSession } from "../callcontext.ts";
import { mayModerate } from "../contract.ts";
import { isFound, orderPeople } from "../peopleorder.ts";
import { personName } from "../personname.ts";
import { Panel } from "./Panel.tsx";
import { PeopleFoot } from "./PeopleFoot.tsx";
import { PersonRow } from "./PersonRow.tsx";
import { WaitingList } from "./WaitingList.tsx";

/** What changes the list; each row follows its own person's media by itself. */
const CHANGES = [RoomEvent.ParticipantConnected, RoomEvent.ParticipantDisconnected, RoomEvent.ParticipantNameChanged];
/** From here on one looks for a name rather than reads the list. */
const SEARCHED_FROM = 6;

/** Who waits, who is here in which order, and what a host may do about it. */
export default function PeoplePanel() {
  const { strings, config } = useCall();
  const { roomState } = useSession();
  const participants = useParticipants({ updateOnlyOn: CHANGES });
  const { localParticipant } = useLocalParticipant();
  const [query, setQuery] = useState("");
  const { roles = {}, hands = [], waiting = [] } = roomState ?? {};
  const myRole = roomState?.me.role ?? "participant";
  const people = participants.map((participant) => ({
    participant,
    identity: participant.identity,
    name: personName(participant.name, strings),
    isMe: participant.identity === localParticipant.identity,
    role: roles[participant.identity] ?? ("participant" as const),
  }));
  const found = people.filter(({ name }) => isFound(name, query));

  return (
    <Panel name="people" title={strings.people} foot={<PeopleFoot count={people.length} />}>
      {mayModerate(myRole) && waiting.length > 0 && <WaitingList waiting={waiting} />}
      <h3>{strings.inTheCall(people.length)}</h3>
      {(people.length >= SEARCHED_FROM || query !== "") && (
        <Search query={query} count={found.length} onChange={setQuery} />
      )}
      <ul className="people">
        {orderPeople(found, hands, config.locale).map(({ participant, identity, role }) => (
          <PersonRow key={identity} participant={participant} role={role} myRole={myRole} />
        ))}
      </ul>
    </Panel>
  );
}

function Search({ query, count, onChange }: { query: string; count: number; onChange: (query: string) => void }) {
  const { strings } = useCall();
  const id = useId();
  return (
    <div className="people-search">
      <label htmlFor={id}>{strings.together.search}</label>
      <input
        id={id}
        type="search"
        className="stage-input"
        value={query}
        autoComplete="off"
        data-testid="people-search"
        onChange={(event) => onChange(event.target.value)}
      />
      <p role="status" className="people-search__count" data-testid="people-found">
        {query.trim() === "" ? "" : strings.together.found(count)}
      </p>
    </div>
  );
}
