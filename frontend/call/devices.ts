// Microphones, cameras and speakers of this machine.

export type DeviceKind = "audioinput" | "videoinput" | "audiooutput";
export type CaptureKind = Exclude<DeviceKind, "audiooutput">;
/** `groupId` is the same for what is one thing: a headset's microphone and speaker. */
export type Device = { id: string; label: string; groupId: string };

export const AUDIO_CONSTRAINTS: MediaTrackConstraints = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
};
export const VIDEO_CONSTRAINTS: MediaTrackConstraints = {
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 30 },
};

/** What this browser must have for a call at all. */
export function isBrowserSupported(): boolean {
  return (
    typeof RTCPeerConnection === "function" && "addTransceiver" in RTCPeerConnection.prototype && "WebSocket" in window
  );
}

export function canChooseSpeaker(): boolean {
  return "setSinkId" in HTMLMediaElement.prototype;
}

/** Devices by kind; labels are empty until the person has granted the microphone or camera once. */
export async function listDevices(): Promise<Record<DeviceKind, Device[]>> {
  const found: Record<DeviceKind, Device[]> = { audioinput: [], videoinput: [], audiooutput: [] };
  if (!navigator.mediaDevices) return found;
  for (const { kind, deviceId, label, groupId } of await navigator.mediaDevices.enumerateDevices()) {
    if (deviceId !== "") found[kind].push({ id: deviceId, label, groupId });
  }
  return found;
}

function constraintsFor(kind: CaptureKind, deviceId: string): MediaTrackConstraints {
  const constraints = kind === "audioinput" ? AUDIO_CONSTRAINTS : VIDEO_CONSTRAINTS;
  return deviceId === "" ? { ...constraints } : { ...constraints, deviceId: { ideal: deviceId } };
}

/** Raises as getUserMedia does, with a name of our own where the page has none, for want of HTTPS. */
async function capture(constraints: MediaStreamConstraints): Promise<MediaStream> {
  if (!navigator.mediaDevices?.getUserMedia) throw new DOMException("no secure context", "InsecureContextError");
  return navigator.mediaDevices.getUserMedia(constraints);
}

function only(tracks: MediaStreamTrack[]): MediaStreamTrack {
  const [track] = tracks;
  if (!track) throw new DOMException("no track", "NotFoundError");
  return track;
}

/** One track of `kind`: of the device `deviceId` if that is still plugged in, else of the browser's choice. Raises as getUserMedia does. */
export async function openDevice(kind: CaptureKind, deviceId: string): Promise<MediaStreamTrack> {
  const constraints = constraintsFor(kind, deviceId);
  return only((await capture(kind === "audioinput" ? { audio: constraints } : { video: constraints })).getTracks());
}

/** As openDevice, both in one question to the person. */
export async function openMicrophoneAndCamera(
  microphoneId: string,
  cameraId: string,
): Promise<{ audio: MediaStreamTrack; video: MediaStreamTrack }> {
  const stream = await capture({
    audio: constraintsFor("audioinput", microphoneId),
    video: constraintsFor("videoinput", cameraId),
  });
  return { audio: only(stream.getAudioTracks()), video: only(stream.getVideoTracks()) };
}

/** Whether the browser would open it without a question; false also where it does not tell. */
export async function isGranted(kind: CaptureKind): Promise<boolean> {
  try {
    const name = (kind === "audioinput" ? "microphone" : "camera") as PermissionName;
    return (await navigator.permissions.query({ name })).state === "granted";
  } catch {
    return false; // Firefox ESR raises for these names
  }
}
