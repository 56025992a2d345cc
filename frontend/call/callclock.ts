// How long the call has gone on, by the portal's clock: this machine's may be wrong. No DOM.

/** How far this machine's clock is ahead of the portal's, which said `serverNow` when this one showed `localMs`. */
export function clockLeadMs(serverNow: string, localMs: number): number {
  const lead = localMs - Date.parse(serverNow);
  return Number.isFinite(lead) ? lead : 0;
}

/** Since the call began, whoever was there first; null where the portal does not say when. `localMs`: this machine's time. */
export function callSeconds(beganAt: string | null, localMs: number, leadMs: number): number | null {
  if (beganAt === null) return null;
  const seconds = Math.floor((localMs - leadMs - Date.parse(beganAt)) / 1000);
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}

/** How long from now until the seconds are one more. */
export function untilNextSecondMs(beganAt: string, localMs: number, leadMs: number): number {
  const age = localMs - leadMs - Date.parse(beganAt);
  return age < 0 ? Math.ceil(-age) + 1000 : 1000 - (age % 1000);
}

/** "00:42:10". */
export function clockText(seconds: number): string {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}
