import { colourIndex, initials } from "../avatar.ts";

/** Initials on the person's own colour. */
export function Avatar({ identity, name }: { identity: string; name: string }) {
  return (
    <span className={`avatar avatar-${colourIndex(identity)}`} aria-hidden="true">
      {initials(name)}
    </span>
  );
}
