// Those who wait, so that a host lets in the right one of two with the same name. No DOM.
import type { WaitingPerson } from "./contract.ts";
import { plain } from "./peopleorder.ts";

/** `place`: in the queue, as the person themselves reads it, where somebody else who waits bears the same name; else null. */
export type Asking = WaitingPerson & { place: number | null };

export function tellApart(waiting: readonly WaitingPerson[]): Asking[] {
  const counts = new Map<string, number>();
  for (const { name } of waiting) counts.set(seen(name), (counts.get(seen(name)) ?? 0) + 1);
  return waiting.map((person, index) => ({
    ...person,
    place: (counts.get(seen(person.name)) ?? 0) > 1 ? index + 1 : null,
  }));
}

/** Names that look alike to somebody in a hurry. */
function seen(name: string): string {
  return plain(name.normalize("NFKC")).trim().replace(/\s+/gu, " ");
}
