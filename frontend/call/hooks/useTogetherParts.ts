import type { Room } from "livekit-client";
import { RoomEvent } from "livekit-client";
import { useEffect, useState } from "react";
import { type CallParts, useCall, useSession } from "../callcontext.ts";
import { ChatLog } from "../chat/chatlog.ts";
import { CHAT_TOPIC, parseChatPacket, parseReactionPacket, REACTION_TOPIC } from "../contract.ts";
import { levelsFromText, News } from "../news.ts";
import { personName } from "../personname.ts";
import { Reactions } from "../reactions.ts";
import { notePlayer, Sounds } from "../sounds.ts";
import type { PanelName } from "../stagecontext.ts";
import type { Strings } from "../strings/index.ts";
import type { TogetherParts } from "../togethercontext.ts";

type AllParts = TogetherParts & { news: News; view: { room: Room; isChatOpen: boolean } };

/** Chat, reactions and news of the call in `room`. They outlive a cut, after which livekit's room is another one. */
export function useTogetherParts(room: Room, panel: PanelName | null): AllParts {
  const call = useCall();
  const [parts] = useState(() => createParts(call, room));
  const { chat, reactions, news, view } = parts;
  const { notices, strings } = call;
  const isConnected = useSession().phase.name === "connected";
  view.room = room;
  view.isChatOpen = panel === "chat";

  useEffect(() => {
    chat.look(panel === "chat");
    if (panel === "chat") notices.dismissTopic("chat");
  }, [chat, notices, panel]);
  useEffect(() => () => news.stop(), [news]);

  useEffect(() => {
    // Tokens of people may not send data; only what has no sender is of the portal.
    const handleData = (payload: Uint8Array, ...[from, , topic, , fromIdentity]: unknown[]) => {
      if (from !== undefined || fromIdentity) return;
      const message = topic === CHAT_TOPIC ? parseChatPacket(payload) : null;
      const reaction = topic === REACTION_TOPIC ? parseReactionPacket(payload) : null;
      if (message) chat.receive(message);
      if (!reaction) return;
      reactions.show(reaction);
      if (reaction.identity !== room.localParticipant.identity) {
        news.reacted(nameIn(room, reaction.identity, strings), reaction.reaction);
      }
    };
    room.on(RoomEvent.DataReceived, handleData);
    return () => {
      room.off(RoomEvent.DataReceived, handleData);
    };
  }, [room, chat, reactions, news, strings]);

  // At the start, after each cut, and when somebody opens the chat: a packet may have been missed.
  const isChatOpen = panel === "chat";
  useEffect(() => {
    if (!isConnected && !isChatOpen) return;
    chat.catchUp().catch((error: unknown) => console.warn("the chat could not be read", error));
  }, [chat, isConnected, isChatOpen]);

  return parts;
}

export function nameIn(room: Room, identity: string, strings: Strings): string {
  const participant = room.getParticipantByIdentity(identity);
  return personName(participant?.name, strings);
}

function createParts({ api, later, notices, strings, preferences }: CallParts, room: Room): AllParts {
  const view = { room, isChatOpen: false };
  const peopleCount = () => view.room.remoteParticipants.size + 1;
  const sounds = new Sounds({
    isOn: (sound) => {
      const { isJoinSoundOn, isHandSoundOn, isChatSoundOn } = preferences.current;
      return { join: isJoinSoundOn, hand: isHandSoundOn, chat: isChatSoundOn }[sound];
    },
    peopleCount,
    now: () => performance.now(),
    play: notePlayer(() => preferences.current.speakerId),
  });
  const news = new News({
    later,
    notices,
    strings,
    sounds,
    levels: () => levelsFromText(preferences.current.announcements),
    peopleCount,
    isChatOpen: () => view.isChatOpen,
  });
  const chat = new ChatLog({
    api,
    newKey: () => crypto.randomUUID(),
    myIdentity: () => view.room.localParticipant.identity,
    onNews: news.messages,
  });
  return { chat, reactions: new Reactions(later), news, view };
}
