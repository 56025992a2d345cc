// People who come and go within a moment are told in one sentence, so that a start of a large meeting is not read out name by name.
import type { Later } from "./roomsocket.ts";
import type { Strings } from "./strings/index.ts";

const MOST_NAMES = 3;

export type Wordings = Pick<Strings, "joined" | "departed" | "joinedMany" | "departedMany">;

/** The sentences for `came` and `went`; somebody who did both within the moment (a reconnection) is not mentioned. */
export function describeArrivals(
  came: readonly string[],
  went: readonly string[],
  wordings: Wordings,
  mostNames = MOST_NAMES,
): string[] {
  const sentences: string[] = [];
  if (came.length > mostNames) sentences.push(wordings.joinedMany(came.length));
  else if (came.length > 0) sentences.push(wordings.joined(came.join(", ")));
  if (went.length > mostNames) sentences.push(wordings.departedMany(went.length));
  else if (went.length > 0) sentences.push(wordings.departed(went.join(", ")));
  return sentences;
}

export type Person = { identity: string; name: string };

export class Arrivals {
  private readonly came = new Map<string, string>();
  private readonly went = new Map<string, string>();
  private readonly later: Later;
  private readonly delayMs: () => number;
  private readonly tell: (came: string[], went: string[]) => void;
  private cancel: (() => void) | null = null;

  constructor(later: Later, delayMs: () => number, tell: (came: string[], went: string[]) => void) {
    this.later = later;
    this.delayMs = delayMs;
    this.tell = tell;
  }

  note(person: Person, direction: "came" | "went"): void {
    const [mine, opposite] = direction === "came" ? [this.came, this.went] : [this.went, this.came];
    if (!opposite.delete(person.identity)) mine.set(person.identity, person.name);
    this.cancel ??= this.later(this.delayMs(), () => this.flush());
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
