import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { ChatMessage } from "../contract.ts";

/** Closer than this is the end: a line's height is lost to rounding and zoom. */
const END_PX = 32;

/** Keeps a list at its end while its reader is there; otherwise nothing moves under their eyes, and what came below is counted. */
export function useStickyEnd(
  list: RefObject<HTMLElement | null>,
  messages: readonly ChatMessage[],
  outgoingCount: number,
): { newBelow: number; goToEnd: () => void } {
  const isAtEnd = useRef(true);
  const seen = useRef({ first: messages[0]?.id, last: messages.at(-1)?.id, height: 0, outgoingCount });
  const [newBelow, setNewBelow] = useState(0);

  const goToEnd = () => {
    const element = list.current;
    if (element) element.scrollTop = element.scrollHeight;
    isAtEnd.current = true;
    setNewBelow(0);
  };

  useEffect(() => {
    const element = list.current;
    if (!element) return;
    const handleScroll = () => {
      isAtEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < END_PX;
      if (isAtEnd.current) setNewBelow(0);
    };
    // The composer grows, a phone's keyboard opens: the end stays the end.
    const observer = new ResizeObserver(() => {
      if (isAtEnd.current) element.scrollTop = element.scrollHeight;
    });
    element.addEventListener("scroll", handleScroll, { passive: true });
    observer.observe(element);
    return () => {
      element.removeEventListener("scroll", handleScroll);
      observer.disconnect();
    };
  }, [list]);

  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    const before = seen.current;
    const [first, last] = [messages[0]?.id, messages.at(-1)?.id];
    const isOwnWriting = outgoingCount > before.outgoingCount;
    if (isAtEnd.current || isOwnWriting) {
      element.scrollTop = element.scrollHeight;
      isAtEnd.current = true;
    } else if (first !== before.first) {
      element.scrollTop += element.scrollHeight - before.height; // older ones came above
    } else if (last !== before.last) {
      const known = messages.findIndex(({ id }) => id === before.last);
      setNewBelow((count) => count + messages.length - 1 - known);
    }
    seen.current = { first, last, height: element.scrollHeight, outgoingCount };
  }, [list, messages, outgoingCount]);

  return { newBelow, goToEnd };
}
