// People who come and go within a moment are told in one sentence, so that a start of a large meeting is not read out name by name.
import type { Later } from "./roomsocket.ts";
import type { Strings } from "./strings/index.ts";

const BUNDLE_MS = 1200;
const MOST_NAMES = 3;

export type Wordings = Pick<Strings, "joined" | "departed" | "joinedMany" | "departedMany">;

/** The sentences for `came` and `went`; somebody who did both within the moment (a reconnection) is not mentioned. */
export function describeArrivals(came: readonly string[], went: readonly string[], wordings: Wordings): string[] {
  const sentences: string[] = [];
  if (came.length > MOST_NAMES) sentences.push(wordings.joinedMany(came.length));
  else if (came.length > 0) sentences.push(wordings.joined(came.join(", ")));
  if (went.length > MOST_NAMES) sentences.push(wordings.departedMany(went.length));
  else if (went.length > 0) sentences.push(wordings.departed(went.join(", ")));
  return sentences;
}

type Person = { identity: string; name: string };

export class Arrivals {
  private readonly came = new Map<string, string>();
  private readonly went = new Map<string, string>();
  private readonly later: Later;
  private readonly tell: (came: string[], went: string[]) => void;
  private cancel: (() => void) | null = null;

  constructor(later: Later, tell: (came: string[], went: string[]) => void) {
    this.later = later;
    this.tell = tell;
  }

  note(person: Person, direction: "came" | "went"): void {
    const [mine, opposite] = direction === "came" ? [this.came, this.went] : [this.went, this.came];
    if (!opposite.delete(person.identity)) mine.set(person.identity, person.name);
    this.cancel ??= this.later(BUNDLE_MS, () => this.flush());
  }

  stop(): void {
    this.cancel?.();
    this.cancel = null;
  }

  private flush(): void {
    this.cancel = null;
    const came = [...this.came.values()];
    const went = [...this.went.values()];
    this.came.clear();
    this.went.clear();
    if (came.length + went.length > 0) this.tell(came, went);
  }
}
