import { useRoomContext } from "@livekit/components-react";
import { type Participant, RoomEvent, Track } from "livekit-client";
import { useEffect, useRef } from "react";
import { Arrivals, describeArrivals } from "../arrivals.ts";
import { useCall, useSession } from "../callcontext.ts";

/** Above this, arrivals are read aloud but no longer cover the picture with toasts. */
const LARGE_MEETING = 10;

type ShareNews = (publication: { source: Track.Source }, participant: Participant) => void;

/** Tells who comes, goes and shares, and what changed about the room and the person's role. */
export function useCallNews(): void {
  const { strings, notices, later } = useCall();
  const room = useRoomContext();
  const { roomState, phase } = useSession();

  useEffect(() => {
    const arrivals = new Arrivals(later, (came, went) => {
      for (const sentence of describeArrivals(came, went, strings)) {
        if (room.numParticipants > LARGE_MEETING) notices.say(sentence);
        else notices.show(sentence);
      }
    });
    const nameOf = (participant: Participant) => participant.name || participant.identity;
    const person = (participant: Participant) => ({ identity: participant.identity, name: nameOf(participant) });
    const came = (participant: Participant) => arrivals.note(person(participant), "came");
    const went = (participant: Participant) => arrivals.note(person(participant), "went");
    const shared: ShareNews = ({ source }, participant) => {
      if (source === Track.Source.ScreenShare) notices.show(strings.startedSharing(nameOf(participant)));
    };
    const unshared: ShareNews = ({ source }, participant) => {
      if (source === Track.Source.ScreenShare) notices.say(strings.stoppedSharing(nameOf(participant)));
    };
    room.on(RoomEvent.ParticipantConnected, came).on(RoomEvent.ParticipantDisconnected, went);
    room.on(RoomEvent.TrackPublished, shared).on(RoomEvent.TrackUnpublished, unshared);
    return () => {
      arrivals.stop();
      room.off(RoomEvent.ParticipantConnected, came).off(RoomEvent.ParticipantDisconnected, went);
      room.off(RoomEvent.TrackPublished, shared).off(RoomEvent.TrackUnpublished, unshared);
    };
  }, [room, strings, notices, later]);

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
