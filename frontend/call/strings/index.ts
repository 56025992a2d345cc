// The texts of the call page in the person's language.
// Each area of the page has its own file; what does not belong to one is in fr.ts, en.ts and de.ts.
import type { Locale } from "../contract.ts";
import * as bar from "./bar.ts";
import * as chat from "./chat.ts";
import { de } from "./de.ts";
import * as doorway from "./doorway.ts";
import { en } from "./en.ts";
import * as endings from "./endings.ts";
import { fr } from "./fr.ts";
import * as media from "./media.ts";
import * as quality from "./quality.ts";
import * as stage from "./stage.ts";
import * as together from "./together.ts";

const french = {
  ...fr,
  bar: bar.fr,
  chat: chat.fr,
  together: together.fr,
  media: media.fr,
  doorway: doorway.fr,
  endings: endings.fr,
  quality: quality.fr,
  stage: stage.fr,
};

/** The shape of the French texts with any wording: a language that misses a key or a parameter does not compile. */
export type Wording<T> = T extends string
  ? string
  : T extends (...args: infer A) => string
    ? (...args: A) => string
    : { [K in keyof T]: Wording<T[K]> };
export type Strings = Wording<typeof french>;

/** Each in itself, so that whoever looks for theirs can read it. */
export const LANGUAGE_NAMES: Record<Locale, string> = { fr: "Français", en: "English", de: "Deutsch" };

const LANGUAGES: Record<Locale, Strings> = {
  fr: french,
  en: {
    ...en,
    bar: bar.en,
    chat: chat.en,
    together: together.en,
    media: media.en,
    doorway: doorway.en,
    endings: endings.en,
    quality: quality.en,
    stage: stage.en,
  },
  de: {
    ...de,
    bar: bar.de,
    chat: chat.de,
    together: together.de,
    media: media.de,
    doorway: doorway.de,
    endings: endings.de,
    quality: quality.de,
    stage: stage.de,
  },
};

export function stringsFor(locale: string): Strings {
  return LANGUAGES[locale as Locale] ?? french;
}
