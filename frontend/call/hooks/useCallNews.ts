import { type Participant, type Room, RoomEvent, Track } from "livekit-client";
import { useEffect, useRef } from "react";
import { useCall, useSession } from "../callcontext.ts";
import type { News } from "../news.ts";
import { personName } from "../personname.ts";
import { nameIn } from "./useTogetherParts.ts";

type ShareNews = (publication: { source: Track.Source }, participant: Participant) => void;

/** Tells who comes, goes, shares and raises a hand, and what changed about the room and the person's role. */
export function useCallNews(room: Room, news: News): void {
  const { strings, notices } = useCall();
  const { roomState, phase } = useSession();

  useEffect(() => {
    const person = ({ identity, name }: Participant) => ({ identity, name: personName(name, strings) });
    const came = (participant: Participant) => news.arrived(person(participant));
    const went = (participant: Participant) => news.departed(person(participant));
    const shared: ShareNews = ({ source }, participant) => {
      if (source === Track.Source.ScreenShare) news.shared(person(participant).name, true);
    };
    const unshared: ShareNews = ({ source }, participant) => {
      if (source === Track.Source.ScreenShare) news.shared(person(participant).name, false);
    };
    room.on(RoomEvent.ParticipantConnected, came).on(RoomEvent.ParticipantDisconnected, went);
    room.on(RoomEvent.TrackPublished, shared).on(RoomEvent.TrackUnpublished, unshared);
    return () => {
      room.off(RoomEvent.ParticipantConnected, came).off(RoomEvent.ParticipantDisconnected, went);
      room.off(RoomEvent.TrackPublished, shared).off(RoomEvent.TrackUnpublished, unshared);
    };
  }, [room, news, strings]);

  const hands = useRef<readonly string[] | undefined>(undefined);
  useEffect(() => {
    const before = hands.current;
    hands.current = roomState?.hands;
    if (!before || !roomState) return;
    const mine = roomState.me.identity;
    const raised = roomState.hands.filter((identity) => identity !== mine && !before.includes(identity));
    if (raised.length > 0) news.raised(raised.map((identity) => nameIn(room, identity, strings)));
  }, [roomState, room, news, strings]);

  useChange(roomState?.me.role, (role) => role && notices.show(strings.roleBecame(strings.roles[role])));
  useChange(roomState?.room.isLocked, (isLocked) => {
    if (isLocked !== undefined) notices.show(isLocked ? strings.roomIsLocked : strings.roomIsUnlocked);
  });
  const texts = {
    none: strings.backInCall,
    signal: strings.reconnectingSignal,
    media: strings.reconnectingMedia,
    rejoin: strings.reconnectingRejoin,
  };
  const cut: keyof typeof texts = phase.name === "reconnecting" ? phase.layer : "none";
  useChange(cut, (layer) => notices.say(texts[layer]));
}

/** Calls `tell` when `value` changes from one known value to another. */
function useChange<T>(value: T, tell: (value: T) => void): void {
  const previous = useRef(value);
  const latestTell = useRef(tell);
  latestTell.current = tell;
  useEffect(() => {
    const before = previous.current;
    previous.current = value;
    if (before !== undefined && value !== undefined && before !== value) latestTell.current(value);
  }, [value]);
}
