import { useState } from "react";
import { useCall } from "../callcontext.ts";
import { canChooseSpeaker, type Device } from "../devices.ts";
import type { DeviceLists } from "../hooks/useDevices.ts";
import { playTestSound } from "../testsound.ts";
import { DeviceSelect } from "./DeviceSelect.tsx";
import type { Choices, PreparationActs } from "./Preparation.tsx";

/** The three menus: microphone, camera, and the speaker where the browser lets a page choose it. */
export function DeviceSelects({
  choices,
  devices,
  acts,
}: {
  choices: Choices;
  devices: DeviceLists;
  acts: PreparationActs;
}) {
  const { strings } = useCall();
  const menu = (id: string, label: string, list: Device[], value: string, onChange: (id: string) => void) => (
    <DeviceSelect id={id} label={label} devices={list} value={value} onChange={onChange} />
  );
  return (
    <div className="device-selects">
      {menu("microphone", strings.microphone, devices.audioinput, choices.microphoneId, (microphoneId) =>
        acts.choose({ microphoneId, isMicrophoneWanted: true }, "audioinput"),
      )}
      {menu("camera", strings.camera, devices.videoinput, choices.cameraId, (cameraId) =>
        acts.choose({ cameraId, isCameraWanted: true }, "videoinput"),
      )}
      {canChooseSpeaker() &&
        menu("speaker", strings.speaker, devices.audiooutput, choices.speakerId, (speakerId) =>
          acts.choose({ speakerId }, null),
        )}
      <SpeakerTest speakerId={choices.speakerId} />
    </div>
  );
}

export function SpeakerTest({ speakerId }: { speakerId: string }) {
  const { strings } = useCall();
  const [state, setState] = useState<"idle" | "playing" | "failed">("idle");
  const test = () => {
    setState("playing");
    playTestSound(speakerId).then(
      () => setState("idle"),
      (error: unknown) => {
        console.warn("the test sound was not played", error);
        setState("failed");
      },
    );
  };
  return (
    <div className="speaker-test">
      <button
        type="button"
        className="fr-btn fr-btn--tertiary fr-btn--sm"
        data-testid="speaker-test"
        disabled={state === "playing"}
        onClick={test}
      >
        {state === "playing" ? strings.testSpeakerPlaying : strings.testSpeaker}
      </button>
      {state === "failed" && (
        <p className="fr-error-text" role="alert">
          {strings.testSpeakerFailed}
        </p>
      )}
    </div>
  );
}
