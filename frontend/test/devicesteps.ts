// Camera and microphone: asked for at once, shown, measured, and the voice played back.
import { type DeviceFault, deviceFault } from "../call/devicefault.ts";
import { openDevice, openMicrophoneAndCamera } from "../call/devices.ts";
import { watchLevel } from "../call/levelmeter.ts";
import { button, element } from "./elements.ts";
import { canRecord, play, record } from "./recording.ts";
import type { Results } from "./results.ts";
import { question, type Step } from "./step.ts";
import type { Strings } from "./strings/index.ts";

/** Above a quiet office, below a quiet voice, on the meter's scale of 0 to 1. */
const VOICE_LEVEL = 0.35;
const VOICE_FRAMES = 12;
const SILENT_AFTER_MS = 8_000;

type Opened = { track: MediaStreamTrack | null; fault: DeviceFault | null };

export class DeviceSteps {
  private readonly stops: (() => void)[] = [];
  private readonly camera: Step;
  private readonly microphone: Step;
  private readonly strings: Strings;
  private readonly results: Results;
  private readonly onResult: () => void;

  constructor(steps: { camera: Step; microphone: Step }, strings: Strings, results: Results, onResult: () => void) {
    this.camera = steps.camera;
    this.microphone = steps.microphone;
    this.strings = strings;
    this.results = results;
    this.onResult = onResult;
  }

  /** Resolves when the person has answered the browser's question, one way or the other. */
  async run(): Promise<void> {
    this.camera.show("running", this.strings.asking);
    this.microphone.show("running", this.strings.asking);
    const { audio, video } = await openBoth();
    // Not null any more, but not heard yet: `note` says when.
    this.results.microphone = { fault: audio.fault, isHeard: false };
    if (audio.track) this.listen(audio.track);
    else this.showFault(this.microphone, audio.fault ?? "unknown");
    if (video.track) this.look(video.track);
    else {
      this.results.camera = { fault: video.fault, width: 0, height: 0 };
      this.showFault(this.camera, video.fault ?? "unknown");
    }
    if (audio.track || video.track) this.offerEnd();
    this.onResult();
  }

  /** Switches both off; their findings stay. */
  stop(): void {
    for (const stop of this.stops.splice(0)) stop();
  }

  private showFault(step: Step, fault: DeviceFault): void {
    step.show("bad", this.strings.faults[fault]);
  }

  private look(track: MediaStreamTrack): void {
    const video = element("video", {
      className: "test-preview",
      autoplay: true,
      muted: true,
      playsInline: true,
      data: { testid: "camera-preview" },
      aria: { label: this.strings.cameraPreview },
    });
    video.srcObject = new MediaStream([track]);
    this.camera.body.append(video);
    this.stops.push(() => {
      track.stop();
      video.remove();
    });
    const { width = 0, height = 0 } = track.getSettings();
    this.results.camera = { fault: null, width, height };
    this.camera.show("good", this.strings.cameraGood(String(width), String(height)));
  }

  private listen(track: MediaStreamTrack): void {
    const meter = element("meter", {
      className: "test-meter",
      min: 0,
      max: 100,
      data: { testid: "microphone-level" },
      aria: { label: this.strings.level },
    });
    this.microphone.show("running", this.strings.speakNow);
    this.microphone.body.append(meter);
    let loudFrames = 0;
    const stopWatching = watchLevel(track, (level) => {
      meter.value = Math.round(level * 100);
      if (level >= VOICE_LEVEL && ++loudFrames === VOICE_FRAMES) this.note(true);
    });
    const silent = setTimeout(() => {
      if (loudFrames < VOICE_FRAMES) this.note(false);
    }, SILENT_AFTER_MS);
    this.stops.push(() => {
      clearTimeout(silent);
      stopWatching();
      track.stop();
      meter.remove();
    });
    if (canRecord()) this.offerRecording(track);
  }

  private note(isHeard: boolean): void {
    this.results.microphone = { fault: null, isHeard };
    if (isHeard) this.microphone.show("good", this.strings.microphoneGood);
    else this.microphone.show("limited", this.strings.microphoneSilent);
    this.onResult();
  }

  private offerRecording(track: MediaStreamTrack): void {
    const { strings, results } = this;
    const said = element("p", { className: "fr-text--sm fr-mb-1w", hidden: true, role: "status" });
    const asked = question(strings.heardYourself, strings, "hears-itself", (answer) => {
      results.hearsItself = answer;
      said.textContent = answer ? strings.itselfGood : strings.itselfBad;
      said.hidden = false;
      this.onResult();
    });
    asked.hidden = true;
    let isBusy = false;
    const start = button(strings.record, "secondary", "record-button", async () => {
      if (isBusy || track.readyState === "ended") return;
      isBusy = true;
      said.hidden = false;
      said.textContent = strings.recording;
      try {
        const sound = await record(track);
        said.textContent = strings.playing;
        await play(sound);
        said.hidden = true;
        asked.hidden = false;
      } catch (error) {
        console.warn("the recording failed", error);
        said.textContent = strings.recordingFailed;
      }
      isBusy = false;
    });
    start.classList.add("fr-btn--sm");
    this.microphone.body.append(start, asked, said);
    this.stops.push(() => start.remove());
  }

  private offerEnd(): void {
    const end = button(this.strings.devicesOff, "tertiary", "devices-off", () => {
      const place = element("p", { className: "fr-text--sm", tabIndex: -1 }, this.strings.devicesAreOff);
      end.replaceWith(place);
      place.focus();
      this.stop();
    });
    end.classList.add("fr-btn--sm");
    this.camera.body.append(end);
  }
}

/** One question of the browser for both; where that fails, one for each. */
async function openBoth(): Promise<{ audio: Opened; video: Opened }> {
  try {
    const { audio, video } = await openMicrophoneAndCamera("", "");
    return { audio: { track: audio, fault: null }, video: { track: video, fault: null } };
  } catch (error) {
    const fault = deviceFault(error);
    if (fault === "insecure") return { audio: { track: null, fault }, video: { track: null, fault } };
    return { audio: await open("audioinput"), video: await open("videoinput") };
  }
}

async function open(kind: "audioinput" | "videoinput"): Promise<Opened> {
  try {
    return { track: await openDevice(kind, ""), fault: null };
  } catch (error) {
    return { track: null, fault: deviceFault(error) };
  }
}
