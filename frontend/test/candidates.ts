// The addresses at which the media server can be reached, as its session descriptions name them.

export type Transport = "udp" | "tcp" | "tls";
export type Target = { transport: Transport; host: string; port: number };

/** The target of a candidate line ("candidate:1 1 udp 2130706431 192.0.2.1 7882 typ host"), with or without "a=". */
export function readCandidate(line: string): Target | null {
  const [, , protocol, , host, port, typ] = line.trim().replace(/^a=/, "").split(/\s+/);
  const transport = protocol?.toLowerCase();
  if ((transport !== "udp" && transport !== "tcp") || !host || typ !== "typ") return null;
  return { transport, host, port: Number(port) };
}

/** Each target in a session description once, in its order. */
export function targetsOf(sdp: string): Target[] {
  return distinct(candidateLines(sdp).flatMap((line) => readCandidate(line) ?? []));
}

/** The description without the candidates of the other transport: whoever gets it can only come by this one. */
export function keepTransport(sdp: string, transport: Transport): string {
  const lines = sdp.split(/(?<=\n)/);
  return lines
    .filter((line) => !line.startsWith("a=candidate:") || readCandidate(line)?.transport === transport)
    .join("");
}

/** The targets of TURN servers ("turn:host:3478?transport=udp", "turns:host"); STUN relays nothing. */
export function turnTargets(servers: readonly RTCIceServer[]): Target[] {
  return distinct(servers.flatMap(({ urls }) => [urls].flat()).flatMap((url) => readTurnUrl(url) ?? []));
}

function readTurnUrl(url: string): Target | null {
  const match = /^(turns?):(\[[^\]]+\]|[^:?]+)(?::(\d+))?(?:\?transport=(\w+))?$/i.exec(url);
  const [, scheme, host, port, protocol] = match ?? [];
  if (!scheme || !host) return null;
  const isSecure = scheme.toLowerCase() === "turns";
  const transport = isSecure ? "tls" : protocol?.toLowerCase() === "tcp" ? "tcp" : "udp";
  return { transport, host: host.replace(/^\[|\]$/g, ""), port: Number(port ?? (isSecure ? 5349 : 3478)) };
}

/** Where a page or websocket is asked for: `wss://host` is TCP to its port 443. */
export function targetOf(address: string): Target {
  const { protocol, hostname, port } = new URL(address);
  const standard = /^(https|wss):$/.test(protocol) ? 443 : 80;
  return { transport: "tcp", host: hostname.replace(/^\[|\]$/g, ""), port: port === "" ? standard : Number(port) };
}

/** As firewalls' administrators write it: "UDP 192.0.2.1:7882". */
export function named({ transport, host, port }: Target): string {
  return `${transport.toUpperCase()} ${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function candidateLines(sdp: string): string[] {
  return sdp.split(/\r?\n/).filter((line) => line.startsWith("a=candidate:"));
}

/** Each once, in their order. */
export function distinct(targets: readonly Target[]): Target[] {
  return [...new Map(targets.map((target) => [named(target), target])).values()];
}
