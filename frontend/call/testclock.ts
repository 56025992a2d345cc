// A clock for unit tests: time passes only when a test says so.
import type { Later } from "./roomsocket.ts";

export class TestClock {
  nowMs = 0;
  private waiting: { atMs: number; act: () => void }[] = [];

  later: Later = (delayMs, act) => {
    const entry = { atMs: this.nowMs + delayMs, act };
    this.waiting.push(entry);
    return () => {
      this.waiting = this.waiting.filter((other) => other !== entry);
    };
  };

  get pending(): number {
    return this.waiting.length;
  }

  pass(ms: number): void {
    const until = this.nowMs + ms;
    for (;;) {
      const next = this.waiting.filter(({ atMs }) => atMs <= until).sort((a, b) => a.atMs - b.atMs)[0];
      if (!next) break;
      this.waiting = this.waiting.filter((other) => other !== next);
      this.nowMs = next.atMs;
      next.act();
    }
    this.nowMs = until;
  }
}
