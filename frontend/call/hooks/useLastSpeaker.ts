import { useSpeakingParticipants } from "@livekit/components-react";
import { useRef } from "react";

/** The identity of the other person who speaks, or spoke last. Whoever speaks stays until they stop: an interjection moves nothing. */
export function useLastSpeaker(): string | null {
  const last = useRef<string | null>(null);
  const others = useSpeakingParticipants().filter(({ isLocal }) => !isLocal);
  if (!others.some(({ identity }) => identity === last.current)) last.current = others[0]?.identity ?? last.current;
  return last.current;
}
