import { useCall } from "../callcontext.ts";
import type { Inside } from "../contract.ts";
import { Avatar } from "./Avatar.tsx";

const AVATARS = 3;

/** Who is inside already, as far as the portal tells this person. */
export function InsideLine({ inside }: { inside: Inside | null }) {
  const { strings } = useCall();
  if (!inside || inside.view === "nothing") return null;
  const names = inside.view === "names" ? inside.names : [];
  const isAnybodyThere = inside.view === "names" ? inside.count > 0 : inside.hasBegun;
  const text = !isAnybodyThere
    ? strings.doorway.nobody
    : inside.view === "names"
      ? strings.doorway.inside(inside.count)
      : strings.doorway.begun;
  return (
    <div className="inside" data-testid="inside" data-view={inside.view}>
      {names.length > 0 && (
        <span className="inside__avatars">
          {names.slice(0, AVATARS).map((name, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: two people may have one name
            <Avatar key={`${index} ${name}`} identity={name} name={name} />
          ))}
        </span>
      )}
      <div className="inside__text">
        <p className="inside__count" role="status" data-testid="inside-count">
          {text}
        </p>
        {inside.view === "names" && names.length > 0 && <Names names={names} others={inside.count - names.length} />}
      </div>
    </div>
  );
}

/** "Alice, Bob and 3 others" as the language joins them; a name's own direction of writing stays within it. */
function Names({ names, others }: { names: readonly string[]; others: number }) {
  const { strings, config } = useCall();
  const items = others > 0 ? [...names, strings.doorway.others(others)] : names;
  const parts = new Intl.ListFormat(config.locale, { type: "conjunction" }).formatToParts(items);
  return (
    <p className="inside__names" data-testid="inside-names">
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
