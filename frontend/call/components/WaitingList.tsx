import { useCall } from "../callcontext.ts";
import type { Participant } from "../contract.ts";
import { focusPanelTitle } from "../focus.ts";
import { useActs } from "../hooks/useActs.ts";
import { Avatar } from "./Avatar.tsx";

/** The lobby, seen from inside. */
export function WaitingList({ waiting }: { waiting: readonly Participant[] }) {
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
        {waiting.map(({ identity, name, isGuest }) => (
          <li key={identity} className="person" data-testid="waiting-person" data-identity={identity} data-name={name}>
            <Avatar identity={identity} name={name} />
            <span className="person__text">
              <bdi className="person__name">{name}</bdi>
              {isGuest && <span className="person__role">{strings.guest}</span>}
            </span>
            <button
              type="button"
              className="stage-button stage-button--main"
              aria-label={strings.admitName(name)}
              data-testid={`admit-${identity}`}
              onClick={(event) => {
                acts.onPerson(identity, "admit");
                focusPanelTitle(event.currentTarget);
              }}
            >
              {strings.admit}
            </button>
            <button
              type="button"
              className="stage-button"
              aria-label={strings.denyName(name)}
              data-testid={`deny-${identity}`}
              onClick={(event) => {
                acts.onPerson(identity, "deny");
                focusPanelTitle(event.currentTarget);
              }}
            >
              {strings.deny}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
