// What the components of the stage share of chat, reactions and hands.
import { createContext, useContext, useSyncExternalStore } from "react";
import { useCall } from "./callcontext.ts";
import type { ChatLog, ChatSnapshot } from "./chat/chatlog.ts";
import type { Reactions, ShownReaction } from "./reactions.ts";

export type TogetherParts = { chat: ChatLog; reactions: Reactions };

export const TogetherContext = createContext<TogetherParts | null>(null);

export function useTogether(): TogetherParts {
  const parts = useContext(TogetherContext);
  if (!parts) throw new Error("this component needs TogetherContext");
  return parts;
}

export function useChat(): ChatSnapshot {
  const { chat } = useTogether();
  return useSyncExternalStore(chat.subscribe, chat.getSnapshot);
}

/** The sign that somebody shows at the moment. */
export function useReaction(identity: string): ShownReaction | undefined {
  const { reactions } = useTogether();
  return useSyncExternalStore(reactions.subscribe, () => reactions.of(identity));
}

/** The place of somebody's raised hand, from 1; 0 where it is down. */
export function useHandOrder(identity: string): number {
  const { session } = useCall();
  return useSyncExternalStore(session.subscribe, () => {
    const hands = session.getSnapshot().roomState?.hands ?? [];
    return hands.indexOf(identity) + 1;
  });
}
