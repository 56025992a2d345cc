import { useSpeakingParticipants } from "@livekit/components-react";
import { useRef } from "react";
import { keepOrder, pullSpeakers } from "../tileorder.ts";

/** The order of tiles for `present`, stable over renders, with speakers of further pages swapped into the first. `mine` keeps its place. */
export function useTileOrder(present: readonly string[], perPage: number, mine = ""): string[] {
  const order = useRef<string[]>([]);
  const lastSpokeMs = useRef(new Map<string, number>());
  const speaking = new Set(useSpeakingParticipants().map((speaker) => speaker.identity));
  for (const identity of speaking) lastSpokeMs.current.set(identity, performance.now());
  const kept = keepOrder(order.current, present);
  order.current = pullSpeakers(kept, perPage, speaking, lastSpokeMs.current, mine);
  return order.current;
}
