import type { ReactNode } from "react";
import { useCall } from "../callcontext.ts";
import type { Inside, People } from "../contract.ts";
import { Avatar } from "./Avatar.tsx";

const AVATARS = 3;

/** Who is inside already, as far as the portal tells this person. */
export function InsideLine({ inside }: { inside: Inside | null }) {
  const { strings } = useCall();
  if (!inside || inside.view === "nothing") return null;
  const people = inside.view === "names" ? inside : { count: 0, names: [] };
  const isAnybodyThere = inside.view === "names" ? inside.count > 0 : inside.hasBegun;
  const text = !isAnybodyThere
    ? strings.doorway.nobody
    : inside.view === "names"
      ? strings.doorway.inside(inside.count)
      : strings.doorway.begun;
  return (
    <div className="inside" data-testid="inside" data-view={inside.view}>
      <Avatars people={people} />
      <div className="inside__text">
        <p className="inside__count" role="status" data-testid="inside-count">
          {text}
        </p>
        <Names people={people} testId="inside-names" />
      </div>
    </div>
  );
}

/** Who stands in the lobby, told to who may let them in and is still outside: there from the start, so that it is read. */
export function WaitingLine({ waiting }: { waiting: People }) {
  const { strings } = useCall();
  const shown: ReactNode = waiting.count > 0 && (
    <div className="inside inside--waiting" data-testid="waiting-outside" data-count={waiting.count}>
      <Avatars people={waiting} />
      <div className="inside__text">
        <p className="inside__count">{strings.severalWait(waiting.count)}</p>
        <Names people={waiting} testId="waiting-outside-names" />
        <p className="inside__names">{strings.doorway.letThemIn}</p>
      </div>
    </div>
  );
  return (
    <div role="status" className={waiting.count > 0 ? "check__waiting" : "unseen"}>
      {shown}
    </div>
  );
}

function Avatars({ people: { names } }: { people: People }) {
  if (names.length === 0) return null;
  return (
    <span className="inside__avatars">
      {names.slice(0, AVATARS).map((name, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two people may have one name
        <Avatar key={`${index} ${name}`} identity={name} name={name} />
      ))}
    </span>
  );
}

/** "Alice, Bob and 3 others" as the language joins them; a name's own direction of writing stays within it. */
function Names({ people: { names, count }, testId }: { people: People; testId: string }) {
  const { strings, config } = useCall();
  if (names.length === 0) return null;
  const others = count - names.length;
  const items = others > 0 ? [...names, strings.doorway.others(others)] : names;
  const parts = new Intl.ListFormat(config.locale, { type: "conjunction" }).formatToParts(items);
  return (
    <p className="inside__names" data-testid={testId}>
      {parts.map((part, index) =>
        part.type === "element" ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: two people may have one name
          <bdi key={`${index} ${part.value}`}>{part.value}</bdi>
        ) : (
          part.value
        ),
      )}
    </p>
  );
}
