// An RTCPeerConnection that can only go one way (UDP, TCP or TURN), and remembers where it might have gone.
// livekit-client makes its connections by the global name, so on this page, and nowhere else, that name means this class for a while.
import { distinct, keepTransport, readCandidate, type Target, targetsOf, turnTargets } from "./candidates.ts";
import type { PathName } from "./results.ts";

export type Narrowed = {
  /** Of the path, as the server named them. */
  targets(): Target[];
  /** TURN servers that the server offered, whatever the path. */
  offeredTurn(): Target[];
  reports(): Promise<RTCStatsReport[]>;
  restore(): void;
};

/** From now on, until `restore`, every new connection goes by `path` only. */
export function narrowConnections(path: PathName): Narrowed {
  const original = globalThis.RTCPeerConnection;
  const connections = new Set<RTCPeerConnection>();
  const found: Target[] = [];
  const offeredTurn: Target[] = [];
  const isOfPath = ({ transport }: Target) => path !== "turn" && transport === path;

  class NarrowConnection extends original {
    constructor(configuration: RTCConfiguration = {}) {
      super(path === "turn" ? { ...configuration, iceTransportPolicy: "relay" } : { ...configuration, iceServers: [] });
      offeredTurn.push(...turnTargets(configuration.iceServers ?? []));
      connections.add(this);
    }

    override setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
      const sdp = description.sdp ?? "";
      found.push(...targetsOf(sdp).filter(isOfPath));
      if (path === "turn") return super.setRemoteDescription(description);
      return super.setRemoteDescription({ type: description.type, sdp: keepTransport(sdp, path) });
    }

    override async addIceCandidate(candidate?: RTCIceCandidateInit | null): Promise<void> {
      const target = readCandidate(candidate?.candidate ?? "");
      if (target && isOfPath(target)) found.push(target);
      if (target && path !== "turn" && !isOfPath(target)) return;
      await super.addIceCandidate(candidate ?? undefined);
    }
  }

  globalThis.RTCPeerConnection = NarrowConnection;
  return {
    targets: () => distinct(path === "turn" ? offeredTurn : found),
    offeredTurn: () => distinct(offeredTurn),
    reports: () => Promise.all([...connections].map((connection) => connection.getStats())),
    restore: () => {
      globalThis.RTCPeerConnection = original;
      for (const connection of connections) connection.close();
    },
  };
}
