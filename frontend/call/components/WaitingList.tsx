import type { MouseEvent } from "react";
import type { PersonAct } from "../api.ts";
import { useCall } from "../callcontext.ts";
import { chatTimes } from "../chat/times.ts";
import type { WaitingPerson } from "../contract.ts";
import { focusPanelTitle } from "../focus.ts";
import { useActs } from "../hooks/useActs.ts";
import { type Asking, tellApart } from "../waitingpeople.ts";
import { AskingOrigin } from "./AskingOrigin.tsx";
import { Avatar } from "./Avatar.tsx";

/** The lobby, seen from inside: two of one name are told apart by their places, where they come from and when they asked. */
export function WaitingList({ waiting }: { waiting: readonly WaitingPerson[] }) {
  const { strings } = useCall();
  const acts = useActs();
  return (
    <section className="waiting-list" data-testid="waiting-list">
      <div className="waiting-list__head">
        <h3>{strings.waitingList(waiting.length)}</h3>
        {waiting.length > 1 && (
          <button
            type="button"
            className="stage-button"
            data-testid="admit-all"
            onClick={(event) => {
              acts.onRoom("admit_all");
              focusPanelTitle(event.currentTarget);
            }}
          >
            {strings.admitAll}
          </button>
        )}
      </div>
      <ul className="people">
        {tellApart(waiting).map((person) => (
          <WaitingRow key={person.identity} person={person} />
        ))}
      </ul>
    </section>
  );
}

function WaitingRow({ person }: { person: Asking }) {
  const { strings, config } = useCall();
  const acts = useActs();
  const { identity, name, place, askedAt } = person;
  const numbered = place === null ? name : strings.doorway.numbered(name, place);
  const time = chatTimes(config.locale).time(askedAt);
  const act = (which: PersonAct) => (event: MouseEvent<HTMLElement>) => {
    acts.onPerson(identity, which);
    focusPanelTitle(event.currentTarget);
  };
  return (
    <li className="person" data-testid="waiting-person" data-identity={identity} data-name={name}>
      <Avatar identity={identity} name={name} />
      <span className="person__text">
        <span className="person__name">
          <bdi>{name}</bdi>
          {place !== null && " "}
          {place !== null && <span data-testid={`place-${identity}`}>{strings.doorway.number(place)}</span>}
        </span>
        <span className="person__role" data-testid={`origin-${identity}`}>
          <AskingOrigin person={person} /> · {strings.doorway.askedAt(time)}
        </span>
      </span>
      <button
        type="button"
        className="stage-button stage-button--main"
        aria-label={strings.admitName(numbered)}
        data-testid={`admit-${identity}`}
        onClick={act("admit")}
      >
        {strings.admit}
      </button>
      <button
        type="button"
        className="stage-button"
        aria-label={strings.denyName(numbered)}
        data-testid={`deny-${identity}`}
        onClick={act("deny")}
      >
        {strings.deny}
      </button>
    </li>
  );
}
