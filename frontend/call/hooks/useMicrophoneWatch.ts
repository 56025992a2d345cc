import { useRoomContext } from "@livekit/components-react";
import { LocalAudioTrack, ParticipantEvent, Track, TrackEvent } from "livekit-client";
import { useEffect, useRef, useState } from "react";
import { useCall } from "../callcontext.ts";
import { readMicrophone } from "../micreading.ts";
import { DeadMicrophone, MutedSpeech } from "../micwatch.ts";

const DEAD_CHECK_EVERY_MS = 500;
/** The button of the bar stays; a banner that stayed would be before the faces of whoever speaks to somebody beside them. */
const MUTED_SPEECH_SHOWN_MS = 10_000;

export type MicrophoneFault = "muted-speech" | "dead" | null;

/** Whether the person speaks while muted, or has a microphone that gives nothing; measured here, sent nowhere. */
export function useMicrophoneWatch(isOn: boolean): {
  fault: MicrophoneFault;
  dismiss: () => void;
  track: LocalAudioTrack | null;
} {
  const { preferences, later } = useCall();
  const { track, version } = useMicrophoneTrack();
  const [fault, setFault] = useState<MicrophoneFault>(null);
  const mutedSpeech = useRef(new MutedSpeech());
  const isHidden = useRef(false);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `version` counts the devices behind the same track
  useEffect(() => {
    setFault(null);
    isHidden.current = false;
    if (!track) return;
    const raw = rawTrackOf(track);
    if (raw.readyState !== "live") return;
    if (isOn) {
      const dead = new DeadMicrophone();
      return readMicrophone(raw, DEAD_CHECK_EVERY_MS, ({ peak }) => {
        const isDead = dead.note(peak, performance.now());
        setFault(isDead && !isHidden.current ? "dead" : null);
      });
    }
    // The muted track gives silence; a copy of it, which goes nowhere, gives what the open microphone hears.
    const copy = raw.clone();
    copy.enabled = true;
    mutedSpeech.current.reset();
    let forget = () => {};
    const stop = readMicrophone(copy, MutedSpeech.EVERY_MS, ({ loudness }) => {
      if (!preferences.current.isMutedSpeechTold || !mutedSpeech.current.note(loudness, performance.now())) return;
      setFault("muted-speech");
      forget = later(MUTED_SPEECH_SHOWN_MS, () => setFault(null));
    });
    return () => {
      forget();
      stop();
      copy.stop();
    };
  }, [track, version, isOn, preferences, later]);

  const dismiss = () => {
    isHidden.current = true;
    setFault(null);
  };
  return { fault, dismiss, track };
}

/** The microphone's track; `version` changes with the device behind it. */
export function useMicrophoneTrack(): { track: LocalAudioTrack | null; version: number } {
  const room = useRoomContext();
  const [state, setState] = useState({ track: null as LocalAudioTrack | null, version: 0 });
  useEffect(() => {
    const me = room.localParticipant;
    let watched: LocalAudioTrack | null = null;
    const bump = () => setState(({ track, version }) => ({ track, version: version + 1 }));
    const read = () => {
      const found = me.getTrackPublication(Track.Source.Microphone)?.track;
      watched?.off(TrackEvent.Restarted, bump).off(TrackEvent.TrackProcessorUpdate, bump);
      watched = found instanceof LocalAudioTrack ? found : null;
      watched?.on(TrackEvent.Restarted, bump).on(TrackEvent.TrackProcessorUpdate, bump);
      const track = watched;
      setState(({ version }) => ({ track, version: version + 1 }));
    };
    read();
    me.on(ParticipantEvent.LocalTrackPublished, read).on(ParticipantEvent.LocalTrackUnpublished, read);
    return () => {
      watched?.off(TrackEvent.Restarted, bump).off(TrackEvent.TrackProcessorUpdate, bump);
      me.off(ParticipantEvent.LocalTrackPublished, read).off(ParticipantEvent.LocalTrackUnpublished, read);
    };
  }, [room]);
  return state;
}

/** Before a filter, which turns a dead microphone's zeros into something else. */
function rawTrackOf(track: LocalAudioTrack): MediaStreamTrack {
  const filter = track.getProcessor() as { rawTrack?: MediaStreamTrack } | undefined;
  return filter?.rawTrack ?? track.mediaStreamTrack;
}
