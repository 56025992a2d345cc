// The list of people: raised hands first, as they were raised; then oneself, those who moderate, and all others by name.
import { mayModerate, type Role } from "./contract.ts";

export type Listed = { identity: string; name: string; isMe: boolean; role: Role };

export function orderPeople<T extends Listed>(people: readonly T[], hands: readonly string[], locale: string): T[] {
  const collator = new Intl.Collator(locale, { sensitivity: "base", numeric: true });
  const rank = ({ identity, isMe, role }: Listed) => {
    const hand = hands.indexOf(identity);
    if (hand >= 0) return hand;
    if (isMe) return hands.length;
    return hands.length + (mayModerate(role) ? 1 : 2);
  };
  return [...people].sort(
    (a, b) => rank(a) - rank(b) || collator.compare(a.name, b.name) || (a.identity < b.identity ? -1 : 1),
  );
}

/** Whether each word of `query` is in `name`, whatever accents and capitals. */
export function isFound(name: string, query: string): boolean {
  const text = plain(name);
  return plain(query)
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** Without accents and capitals. */
export function plain(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLocaleLowerCase();
}
