// Asks the portal for the way to a test room. Beside the call page's api.ts the only file that calls fetch.
import { readCsrfToken } from "../call/api.ts";
import type { PortalFault } from "./results.ts";

export type TestAccess = { url: string; tokens: string[] };

export class NoAccess extends Error {
  readonly fault: PortalFault;
  constructor(fault: PortalFault) {
    super(fault);
    this.fault = fault;
  }
}

const ANSWER_WITHIN_MS = 10_000;

/** Raises `NoAccess`. */
export async function askForAccess(address: string): Promise<TestAccess> {
  const headers = { Accept: "application/json", "X-CSRFToken": readCsrfToken(document) };
  let response: Response;
  try {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    response = await fetch(address, { method: "POST", headers, credentials: "same-origin", signal });
  } catch {
    throw new NoAccess("no-answer");
  }
  if (response.status === 429) throw new NoAccess("too-many");
  const answer: unknown = response.ok ? await response.json().catch(() => null) : null;
  if (!isAccess(answer)) throw new NoAccess("refused");
  return answer;
}

function isAccess(answer: unknown): answer is TestAccess {
  const { url, tokens } = (answer ?? {}) as Partial<TestAccess>;
  return typeof url === "string" && Array.isArray(tokens) && tokens.length === 2;
}
