// Addresses in what people write. Only http and https, and what is shown is where it leads, letter by letter.

export type Piece = { text: string; href?: string };

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`{}|\\^]+/giu;
/** Ends of sentences and closing marks, which belong to the text around an address. */
const TRAILING = /[.,;:!?…»”’)\]*_~]+$/u;

/** `text` in pieces, addresses apart; joined again they are `text`. */
export function withLinks(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const shown = withoutTail(match[0]);
    const href = addressOf(shown);
    if (href === null) continue;
    if (match.index > end) pieces.push({ text: text.slice(end, match.index) });
    pieces.push({ text: shown, href });
    end = match.index + shown.length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end) });
  return pieces;
}

/** "(see https://a.example/b)" ends before the bracket, "https://a.example/b_(c)" does not. */
function withoutTail(address: string): string {
  const tail = TRAILING.exec(address)?.[0] ?? "";
  let shown = address.slice(0, address.length - tail.length);
  for (const [open, close] of ["()", "[]"].map((pair) => [...pair])) {
    if (open && close && tail.startsWith(close) && count(shown, open) > count(shown, close)) shown += close;
  }
  return shown;
}

function count(text: string, char: string): number {
  return text.split(char).length - 1;
}

/** Where it leads; null where that is not what is written: a name before "@", letters that look like others. */
function addressOf(shown: string): string | null {
  let url: URL;
  try {
    url = new URL(shown);
  } catch {
    return null;
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") return null;
  if (url.username !== "" || url.password !== "") return null;
  const written = /^https?:\/\/([^/?#]*)/i.exec(shown)?.[1]?.toLowerCase();
  const hosts = [url.host, url.protocol === "http:" ? `${url.hostname}:80` : `${url.hostname}:443`];
  return written !== undefined && hosts.includes(written) ? url.href : null;
}
