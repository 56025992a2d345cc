// How long to wait before the next attempt.

/** 0.5, 1, 2, 4, then 8 s, each ± 25 %, so that a hundred pages do not knock at the same instant when the portal comes back. */
export function retryDelayMs(attempt: number, random: () => number = Math.random): number {
  const base = Math.min(8000, 500 * 2 ** Math.max(0, attempt));
  return Math.round(base * (0.75 + random() * 0.5));
}
