// The texts of the connection test. French is the shape: a language that misses a key or a parameter does not compile.
import { de } from "./de.ts";
import { en } from "./en.ts";
import { fr } from "./fr.ts";

type Wording<T> = T extends string
  ? string
  : T extends (...args: infer A) => string
    ? (...args: A) => string
    : { [K in keyof T]: Wording<T[K]> };
export type Strings = Wording<typeof fr>;

const LANGUAGES: Record<string, Strings> = { fr, en, de };

export function stringsFor(locale: string): Strings {
  return LANGUAGES[locale] ?? fr;
}
