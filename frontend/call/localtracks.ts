// The person's camera on its way into the call: with the background of their choice before anybody sees it.
import { type LocalParticipant, type LocalTrackPublication, LocalVideoTrack, Track } from "livekit-client";
import { openDevice, VIDEO_CONSTRAINTS } from "./devices.ts";
import type { Backgrounds } from "./effects/backgrounds.ts";

export function cameraOf(me: LocalParticipant): LocalTrackPublication | undefined {
  return me.getTrackPublication(Track.Source.Camera);
}

/** Raises as getUserMedia does; EffectFailed where the chosen background does not start: then the camera stays off. */
export async function turnCamera(
  me: LocalParticipant,
  isOn: boolean,
  backgrounds: Backgrounds,
  cameraId: string,
): Promise<void> {
  const publication = cameraOf(me);
  const track = publication?.track as LocalVideoTrack | undefined;
  if (!isOn || (track && !backgrounds.isOutdatedOn(track))) {
    await me.setCameraEnabled(isOn);
    return;
  }
  // Chosen while the camera was off: a processor cannot start on a stopped camera, and one that starts later starts too late.
  if (track) await me.unpublishTrack(track);
  await publishCamera(me, await openDevice("videoinput", cameraId), backgrounds);
}

/** Takes `open` over: it is published, or stopped. Raises EffectFailed. */
export async function publishCamera(
  me: LocalParticipant,
  open: MediaStreamTrack,
  backgrounds: Backgrounds,
): Promise<void> {
  const deviceId = open.getSettings().deviceId ?? "";
  const chosen = deviceId === "" ? {} : { deviceId: { ideal: deviceId } };
  // Not "user provided": livekit may stop it on mute and open it again.
  const track = new LocalVideoTrack(open, { ...VIDEO_CONSTRAINTS, ...chosen }, false);
  try {
    if (backgrounds.isOutdatedOn(track)) await backgrounds.putOn(track);
    await me.publishTrack(track, { source: Track.Source.Camera });
  } catch (error) {
    track.stop();
    throw error;
  }
}
