// The texts of the call page in the person's language.
import type { Locale } from "../contract.ts";
import { de } from "./de.ts";
import { en } from "./en.ts";
import { fr } from "./fr.ts";

/** The shape of the French texts with any wording: a language that misses a key or a parameter does not compile. */
type Wording<T> = T extends string
  ? string
  : T extends (...args: infer A) => string
    ? (...args: A) => string
    : { [K in keyof T]: Wording<T[K]> };
export type Strings = Wording<typeof fr>;

/** Each in itself, so that whoever looks for theirs can read it. */
export const LANGUAGE_NAMES: Record<Locale, string> = { fr: "Français", en: "English", de: "Deutsch" };

const LANGUAGES: Record<Locale, Strings> = { fr, en, de };

export function stringsFor(locale: string): Strings {
  return LANGUAGES[locale as Locale] ?? fr;
}
