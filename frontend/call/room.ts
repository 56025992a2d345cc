// The media room: livekit-client's Room with our options, its events in the session's words. Loaded lazily, since livekit is most of the script.
import {
  ConnectionState,
  DisconnectReason,
  LocalAudioTrack,
  type LocalParticipant,
  ParticipantEvent,
  Room,
  RoomEvent,
  type RoomOptions,
  Track,
  VideoPresets,
} from "livekit-client";
import { AUDIO_CONSTRAINTS, canChooseSpeaker } from "./devices.ts";
import { type Backgrounds, EffectFailed } from "./effects/backgrounds.ts";
import { publishCamera, turnCamera } from "./localtracks.ts";
import type { Preferences } from "./preferences.ts";
import type { CutCause, MediaEvents, MediaRoom } from "./session.ts";
import { carryOut, type Wishes } from "./wishes.ts";

export type OpenTracks = { audio: MediaStreamTrack | null; video: MediaStreamTrack | null };

/** Each settles when the first track is published or has failed: until then a switch would turn on what is about to be. */
export const firstTracks = new WeakMap<Room, { microphone: Promise<void>; camera: Promise<void> }>();

function roomOptions(preferences: Preferences): RoomOptions {
  const { microphoneId, cameraId, speakerId } = preferences;
  const options: RoomOptions = {
    adaptiveStream: true,
    dynacast: true,
    webAudioMix: false,
    // The embedded relay speaks two peer connections; asking for one first costs a refusal, noted on the console.
    singlePeerConnection: false,
    disconnectOnPageLeave: true,
    publishDefaults: { simulcast: true },
    audioCaptureDefaults: { ...captureFlags(), ...(microphoneId && { deviceId: { ideal: microphoneId } }) },
    videoCaptureDefaults: {
      resolution: VideoPresets.h720.resolution,
      ...(cameraId && { deviceId: { ideal: cameraId } }),
    },
  };
  if (speakerId !== "" && canChooseSpeaker()) options.audioOutput = { deviceId: speakerId };
  return options;
}

function captureFlags() {
  return { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
}

const CAUSES: Partial<Record<DisconnectReason, CutCause>> = {
  [DisconnectReason.DUPLICATE_IDENTITY]: "duplicate",
  [DisconnectReason.PARTICIPANT_REMOVED]: "removed",
  [DisconnectReason.ROOM_DELETED]: "ended",
};

export type RoomParts = {
  preferences: Preferences;
  wishes: Wishes;
  tracks: OpenTracks;
  backgrounds: Backgrounds;
  events: MediaEvents;
  onDeviceError: (error: unknown) => void;
};

/** Connects, then publishes the open tracks (or opens what the person wishes) without holding up the call. Raises when the call cannot be reached. */
export async function connectRoom(access: { url: string; token: string }, parts: RoomParts): Promise<MediaRoom<Room>> {
  const { wishes, tracks, events } = parts;
  const room = new Room(roomOptions(parts.preferences));
  let isHungUp = false;
  let wasConnected = false;
  room.on(RoomEvent.SignalReconnecting, () => events.onLinkLost("signal"));
  room.on(RoomEvent.Reconnecting, () => events.onLinkLost("media"));
  room.on(RoomEvent.Reconnected, () => events.onLinkBack());
  room.on(RoomEvent.Disconnected, (reason) => {
    if (!isHungUp && wasConnected) events.onCut((reason !== undefined && CAUSES[reason]) || "lost");
  });
  try {
    await room.connect(access.url, access.token);
  } catch (error) {
    stopTracks(tracks);
    throw error;
  }
  wasConnected = true;
  followWishes(room.localParticipant, wishes);
  publishFirstTracks(room, parts);
  return {
    room,
    disconnect: async () => {
      isHungUp = true;
      await room.disconnect(true);
    },
  };
}

function stopTracks({ audio, video }: OpenTracks): void {
  audio?.stop();
  video?.stop();
}

/**
 * Only what others turn off, or livekit for want of a device: switches say their wish themselves, and what is published or unpublished
 * late was wished earlier, or not at all (a cut).
 */
function followWishes(me: LocalParticipant, wishes: Wishes): void {
  me.on(ParticipantEvent.TrackMuted, ({ source }) => {
    if (source === Track.Source.Microphone) wishes.microphone = false;
    if (source === Track.Source.Camera) wishes.camera = false;
  });
}

/** A refused or failing device is told, and never ends the call. */
function publishFirstTracks(room: Room, { wishes, tracks, backgrounds, preferences, onDeviceError }: RoomParts): void {
  const me = room.localParticipant;
  const start = (which: keyof Wishes, begin: Turn, turn: Turn) => {
    let next = begin;
    const act = (isOn: boolean) => {
      const now = next;
      next = turn;
      return now(isOn);
    };
    return carryOut(() => wishes[which], act).catch((error: unknown) => {
      if (room.state !== ConnectionState.Connected) return;
      if (error instanceof EffectFailed) return; // the stage says so, and offers the camera as it is
      console.warn("a device was not published", error);
      wishes[which] = false; // as the switch shows: a device that works later must not come on with the next cut
      onDeviceError(error);
    });
  };
  const turnVideo = (isOn: boolean) => turnCamera(me, isOn, backgrounds, preferences.cameraId);
  firstTracks.set(room, {
    microphone: start(
      "microphone",
      (isOn) => startMicrophone(me, isOn, tracks.audio),
      (isOn) => me.setMicrophoneEnabled(isOn),
    ),
    camera: start(
      "camera",
      (isOn) => startCamera(me, isOn, tracks.video, backgrounds, preferences.cameraId),
      turnVideo,
    ),
  });
}

type Turn = (isOn: boolean) => Promise<unknown>;

async function startMicrophone(me: LocalParticipant, isWanted: boolean, open: MediaStreamTrack | null): Promise<void> {
  if (!isWanted) {
    open?.stop();
  } else if (open === null || open.readyState === "ended") {
    await me.setMicrophoneEnabled(true);
  } else {
    // Not "user provided": livekit may open it again.
    const deviceId = open.getSettings().deviceId ?? "";
    const chosen = deviceId === "" ? {} : { deviceId: { ideal: deviceId } };
    const track = new LocalAudioTrack(open, { ...AUDIO_CONSTRAINTS, ...chosen }, false);
    await me.publishTrack(track, { source: Track.Source.Microphone });
  }
}

async function startCamera(
  me: LocalParticipant,
  isWanted: boolean,
  open: MediaStreamTrack | null,
  backgrounds: Backgrounds,
  cameraId: string,
): Promise<void> {
  if (!isWanted) open?.stop();
  else if (open === null || open.readyState === "ended") await turnCamera(me, true, backgrounds, cameraId);
  else await publishCamera(me, open, backgrounds);
}
