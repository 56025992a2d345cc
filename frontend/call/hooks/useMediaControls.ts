import { useLocalParticipant, useRoomContext } from "@livekit/components-react";
import { type LocalTrackPublication, ParticipantEvent, Track, TrackEvent } from "livekit-client";
import { useCallback, useEffect, useRef, useState } from "react";
import { useCall } from "../callcontext.ts";
import { deviceFault } from "../devicefault.ts";
import { EffectFailed } from "../effects/backgrounds.ts";
import { turnCamera } from "../localtracks.ts";
import { firstTracks } from "../room.ts";

type Switch = "microphone" | "camera" | "share";
export type Control = { isOn: boolean; isBusy: boolean; toggle: () => void };
/** A device of the person's own, which the page may also turn on or off for a reason of its own. */
export type DeviceControl = Control & { set: (isOn: boolean) => Promise<void> };
export type MediaControls = Record<Switch, DeviceControl>;

/** The person's own microphone, camera and screen: state, and switches that tell what happened. */
export function useMediaControls(): MediaControls {
  const { strings, notices, wishes, backgrounds, preferences } = useCall();
  const room = useRoomContext();
  const { isMicrophoneEnabled, isCameraEnabled, isScreenShareEnabled } = useLocalParticipant();
  const [busy, setBusy] = useState<ReadonlySet<Switch>>(new Set());
  // What the person asked for last: a mute that they did not ask for came from a moderator.
  const asked = useRef({ microphone: wishes.microphone, camera: wishes.camera, share: false });

  const [starting, setStarting] = useState<ReadonlySet<Switch>>(new Set(["microphone", "camera"]));
  useEffect(() => {
    const first = firstTracks.get(room);
    const started = (which: Switch) => () =>
      setStarting((current) => new Set([...current].filter((other) => other !== which)));
    void first?.microphone.then(started("microphone"));
    void first?.camera.then(started("camera"));
  }, [room]);

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
      setBusy((current) => new Set(current).add(which));
      asked.current[which] = isOn;
      if (which !== "share") await firstTracks.get(room)?.[which];
      try {
        if (which === "microphone") await me.setMicrophoneEnabled(isOn);
        else if (which === "camera") await turnCamera(me, isOn, backgrounds, preferences.current.cameraId);
        else await me.setScreenShareEnabled(isOn, { audio: true, contentHint: "detail" });
        notices.say(spoken(which, isOn, strings));
      } catch (error) {
        console.warn(`${which} could not be turned ${isOn ? "on" : "off"}`, error);
        if (error instanceof EffectFailed) return; // MediaHints says so, and offers the camera as it is
        const fault = deviceFault(error);
        const isCancelled = which === "share" && fault === "refused";
        notices.show(
          isCancelled ? strings.shareRefused : strings.deviceFailed[fault],
          isCancelled ? "info" : "warning",
        );
      } finally {
        setBusy((current) => new Set([...current].filter((other) => other !== which)));
      }
    },
    [room, notices, strings, backgrounds, preferences],
  );

  const control = (which: Switch, isOn: boolean): DeviceControl => ({
    isOn,
    isBusy: busy.has(which),
    toggle: () => {
      if (!busy.has(which)) void turn(which, !isOn);
    },
    set: (isWanted) => turn(which, isWanted),
  });
  return {
    microphone: control("microphone", starting.has("microphone") ? asked.current.microphone : isMicrophoneEnabled),
    camera: control("camera", starting.has("camera") ? asked.current.camera : isCameraEnabled),
    share: control("share", isScreenShareEnabled),
  };
}

function spoken(which: Switch, isOn: boolean, strings: ReturnType<typeof useCall>["strings"]): string {
  if (which === "microphone") return isOn ? strings.micIsOn : strings.micIsOff;
  if (which === "camera") return isOn ? strings.cameraIsOn : strings.cameraIsOff;
  return isOn ? strings.shareStarted : strings.shareStopped;
}
