import { useLocalParticipant, useRoomContext } from "@livekit/components-react";
import { type LocalTrackPublication, ParticipantEvent, type Room, Track, TrackEvent } from "livekit-client";
import { useCallback, useEffect, useMemo, useReducer, useRef } from "react";
import { useCall, useSession } from "../callcontext.ts";
import { deviceFault } from "../devicefault.ts";
import { EffectFailed } from "../effects/backgrounds.ts";
import { turnCamera } from "../localtracks.ts";
import type { Phase } from "../phase.ts";
import { firstTracks } from "../room.ts";
import { carryOut, isShownOn } from "../wishes.ts";

type Switch = "microphone" | "camera" | "share";
export type Control = { isOn: boolean; isBusy: boolean; toggle: () => void };
/** A device of the person's own, which the page may also turn on or off for a reason of its own. */
export type DeviceControl = Control & { set: (isOn: boolean) => Promise<void> };
export type MediaControls = Record<Switch, DeviceControl>;

/** The person's own microphone, camera and screen: state, and switches that tell what happened. */
export function useMediaControls(): MediaControls {
  const { strings, notices, session, wishes, backgrounds, preferences } = useCall();
  const { phase } = useSession();
  const room = useRoomContext();
  const { isMicrophoneEnabled, isCameraEnabled, isScreenShareEnabled } = useLocalParticipant();
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  // Of one room: whoever comes in again as new neither waits for an old room's switch nor is past its first tracks.
  const { busy, starting } = useMemo(() => newMarks(room), [room]);
  // What the person asked for last: a mute that they did not ask for came from a moderator.
  const asked = useRef({ ...wishes, share: false });

  useEffect(() => {
    asked.current = { ...wishes, share: false };
    const first = firstTracks.get(room);
    for (const which of ["microphone", "camera"] as const) {
      void first?.[which].then(() => {
        starting.delete(which);
        redraw();
      });
    }
  }, [room, wishes, starting]);

  useEffect(() => {
    const me = room.localParticipant;
    // A device that is pulled out: livekit opens another one or, where there is none, mutes the track.
    const unplugged = new Set<Track.Source>();
    const watchDevice = ({ source, track }: LocalTrackPublication) => {
      track?.on(TrackEvent.Ended, () => unplugged.add(source));
    };
    // A moderator muted the shared screen; livekit would go on capturing it.
    const stopSharing = () => {
      asked.current.share = false;
      notices.show(strings.shareStoppedByHost, "warning");
      me.setScreenShareEnabled(false).catch((error: unknown) =>
        console.warn("the share could not be taken back", error),
      );
    };
    const handleMuted = ({ source }: { source: Track.Source }) => {
      if (source === Track.Source.ScreenShare && asked.current.share) stopSharing();
      const which =
        source === Track.Source.Microphone ? "microphone" : source === Track.Source.Camera ? "camera" : null;
      if (which === null || !asked.current[which]) return;
      asked.current[which] = false;
      const byHost = which === "microphone" ? strings.mutedByHost : strings.cameraOffByHost;
      notices.show(unplugged.delete(source) ? strings.deviceFailed.missing : byHost, "warning");
    };
    // The browser's own "stop sharing", or the shared window was closed.
    const handleUnpublished = ({ source }: LocalTrackPublication) => {
      if (source !== Track.Source.ScreenShare || !asked.current.share) return;
      asked.current.share = false;
      notices.say(strings.shareStopped);
    };
    for (const publication of me.trackPublications.values()) watchDevice(publication as LocalTrackPublication);
    me.on(ParticipantEvent.LocalTrackPublished, watchDevice);
    me.on(ParticipantEvent.TrackMuted, handleMuted);
    me.on(ParticipantEvent.LocalTrackUnpublished, handleUnpublished);
    return () => {
      me.off(ParticipantEvent.LocalTrackPublished, watchDevice);
      me.off(ParticipantEvent.TrackMuted, handleMuted);
      me.off(ParticipantEvent.LocalTrackUnpublished, handleUnpublished);
    };
  }, [room, notices, strings]);

  const turn = useCallback(
    async (which: Switch, isOn: boolean) => {
      const me = room.localParticipant;
      if (isAway(session.getSnapshot()) && which === "share") return;
      asked.current[which] = isOn;
      if (which !== "share") wishes[which] = isOn;
      redraw();
      if (isAway(session.getSnapshot())) {
        // This room is dead: the next one begins as wished.
        notices.say(spoken(which, isOn, strings));
        return;
      }
      busy.add(which);
      try {
        if (which === "share") {
          await me.setScreenShareEnabled(isOn, { audio: true, contentHint: "detail" });
        } else {
          await firstTracks.get(room)?.[which];
          const act = (isWished: boolean): Promise<unknown> =>
            which === "microphone"
              ? me.setMicrophoneEnabled(isWished)
              : turnCamera(me, isWished, backgrounds, preferences.current.cameraId);
          await carryOut(() => wishes[which], act);
        }
        if (asked.current[which] === isOn) notices.say(spoken(which, isOn, strings));
      } catch (error) {
        console.warn(`${which} could not be turned ${isOn ? "on" : "off"}`, error);
        const now = session.getSnapshot();
        if (now.room !== room || isAway(now)) return; // cut meanwhile: the wish is the next room's
        if (which === "microphone") wishes.microphone = me.isMicrophoneEnabled;
        if (which === "camera") wishes.camera = me.isCameraEnabled;
        if (error instanceof EffectFailed) return; // MediaHints says so, and offers the camera as it is
        const fault = deviceFault(error);
        const isCancelled = which === "share" && fault === "refused";
        notices.show(
          isCancelled ? strings.shareRefused : strings.deviceFailed[fault],
          isCancelled ? "info" : "warning",
        );
      } finally {
        busy.delete(which);
        redraw();
      }
    },
    [room, busy, session, wishes, notices, strings, backgrounds, preferences],
  );

  const cut = phase.name === "reconnecting" ? phase.layer : "signal";
  const control = (which: Switch, isOn: boolean, isBusy: boolean): DeviceControl => ({
    isOn,
    isBusy,
    toggle: () => {
      if (!isBusy) void turn(which, !isOn);
    },
    set: (isWanted) => turn(which, isWanted),
  });
  // While the media is cut a switch waits for nothing: the last press counts, and the wish is what is shown.
  const device = (which: "microphone" | "camera", isReal: boolean) =>
    control(
      which,
      isShownOn(wishes[which], isReal, cut !== "signal" || starting.has(which)),
      cut === "signal" && busy.has(which),
    );
  return {
    microphone: device("microphone", isMicrophoneEnabled),
    camera: device("camera", isCameraEnabled),
    share: control("share", isScreenShareEnabled, cut === "rejoin" || busy.has("share")),
  };
}

type Marks = { room: Room; busy: Set<Switch>; starting: Set<Switch> };

function newMarks(room: Room): Marks {
  return { room, busy: new Set(), starting: new Set(["microphone", "camera"]) };
}

/** livekit has given the room up; the page comes in again as new. */
function isAway({ phase }: { phase: Phase }): boolean {
  return phase.name === "reconnecting" && phase.layer === "rejoin";
}

function spoken(which: Switch, isOn: boolean, strings: ReturnType<typeof useCall>["strings"]): string {
  if (which === "microphone") return isOn ? strings.micIsOn : strings.micIsOff;
  if (which === "camera") return isOn ? strings.cameraIsOn : strings.cameraIsOff;
  return isOn ? strings.shareStarted : strings.shareStopped;
}
