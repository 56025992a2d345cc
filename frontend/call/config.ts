// What the server's template hands to this page.
import type { CallConfig } from "./contract.ts";

/** Raises where the template and this bundle are of different releases: better a clear line than a page half alive. */
export function readCallConfig(document: Document): CallConfig {
  const text = document.getElementById("call-config")?.textContent;
  if (!text) throw new Error("call-config is missing from the page");
  const config = JSON.parse(text) as CallConfig;
  if (!config.room?.slug || !config.urls?.api || !config.urls.websocket) throw new Error("call-config is incomplete");
  return config;
}

/** `path` as an absolute ws:// or wss:// address on the page's own host. */
export function websocketAddress(path: string, pageAddress: string): string {
  const address = new URL(path, pageAddress);
  address.protocol = address.protocol.replace(/^http/, "ws");
  return address.href;
}

/** When the portal's answer with this page began to come, by this machine's clock: loading the rest of it may take long. */
export function pageAnsweredAtMs(performance: Performance, nowMs: number): number {
  const [load] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  return load && load.responseStart > 0 ? nowMs - (performance.now() - load.responseStart) : nowMs;
}
