import { useRemoteParticipants } from "@livekit/components-react";
import { RoomEvent } from "livekit-client";
import { useState } from "react";
import { useBackgrounds, useCall, useReception, useSession } from "../callcontext.ts";
import { deviceFault } from "../devicefault.ts";
import { useDeviceNews } from "../hooks/useDeviceNews.ts";
import { useCameraBackground, useMicrophoneFilter } from "../hooks/useEffects.ts";
import type { MediaControls } from "../hooks/useMediaControls.ts";
import { useMicrophoneWatch } from "../hooks/useMicrophoneWatch.ts";
import { usePushToTalk } from "../hooks/usePushToTalk.ts";
import { useSilentDevice, useSoundFirst } from "../hooks/useReceptionSwitches.ts";
import { useStage } from "../stagecontext.ts";
import { Hint } from "./Hint.tsx";

/** Keeps the person's picture and sound as they chose them, and says what is wrong with them, each with its repair. */
export function MediaHints({ controls }: { controls: MediaControls }) {
  const { microphone, camera } = controls;
  usePushToTalk(microphone);
  useCameraBackground(camera);
  useMicrophoneFilter();
  useSoundFirst(camera);
  useSilentDevice(microphone);
  return (
    <>
      <ReceptionHints />
      <MicrophoneHint controls={controls} />
      <BackgroundHint controls={controls} />
      <TwinHint />
      <DeviceHint />
    </>
  );
}

function ReceptionHints() {
  const { strings, reception, notices } = useCall();
  const { isVideoOff, isSoundOff } = useReception();
  const { soundFirstOn, pictureAgain, pictureIsBack, soundIsOff, soundAgain, soundIsBack } = strings.media;
  const showAgain = () => {
    reception.setVideoOff(false);
    notices.say(pictureIsBack);
  };
  const hearAgain = () => {
    reception.setSoundOff(false);
    notices.say(soundIsBack);
  };
  return (
    <>
      {isVideoOff && (
        <Hint
          testId="sound-first-hint"
          text={soundFirstOn}
          acts={[{ label: pictureAgain, testId: "picture-again", act: showAgain }]}
        />
      )}
      {isSoundOff && (
        <Hint
          testId="sound-off-hint"
          text={soundIsOff}
          acts={[{ label: soundAgain, testId: "sound-again", act: hearAgain }]}
        />
      )}
    </>
  );
}

function MicrophoneHint({ controls: { microphone } }: { controls: MediaControls }) {
  const { strings, notices } = useCall();
  const { showPanel } = useStage();
  const { fault, dismiss, track } = useMicrophoneWatch(microphone.isOn);
  const reopen = () => {
    track?.restartTrack().then(
      () => notices.show(strings.media.microphoneReopened),
      (error: unknown) => {
        console.warn("the microphone was not reopened", error);
        notices.show(strings.deviceFailed[deviceFault(error)], "warning");
      },
    );
  };
  if (fault === "muted-speech") {
    const unmute = { label: strings.turnMicOn, testId: "hint-unmute", act: () => void microphone.set(true) };
    return <Hint testId="muted-speech" text={strings.media.mutedSpeech} acts={[unmute]} onDismiss={dismiss} />;
  }
  if (fault !== "dead") return null;
  const acts = [
    { label: strings.media.reopenMicrophone, testId: "hint-reopen", act: reopen },
    { label: strings.media.chooseAnother, testId: "hint-choose", act: () => showPanel("settings") },
  ];
  return <Hint testId="dead-microphone" text={strings.media.deadMicrophone} acts={acts} onDismiss={dismiss} />;
}

function BackgroundHint({ controls: { camera } }: { controls: MediaControls }) {
  const { strings, backgrounds } = useCall();
  const { fault } = useBackgrounds();
  if (!fault) return null;
  const { backgroundFaults, cameraHeldBack, cameraWithoutEffect } = strings.media;
  const forget = () => backgrounds.forgetFault();
  const turnOn = () => {
    forget();
    void camera.set(true);
  };
  const text = camera.isOn ? backgroundFaults[fault] : `${backgroundFaults[fault]} ${cameraHeldBack}`;
  const acts = camera.isOn ? [] : [{ label: cameraWithoutEffect, testId: "hint-bare-camera", act: turnOn }];
  return <Hint testId="background-hint" text={text} acts={acts} onDismiss={forget} />;
}

/** The same person twice: most likely on two devices on one table, which then howl. */
function TwinHint() {
  const { strings, reception } = useCall();
  const { isSoundOff } = useReception();
  const { twins = [] } = useSession().roomState ?? {};
  const others = useRemoteParticipants({
    updateOnlyOn: [RoomEvent.ParticipantConnected, RoomEvent.ParticipantDisconnected, RoomEvent.ParticipantNameChanged],
  });
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const twin = others.find(({ identity }) => twins.includes(identity) && !hidden.has(identity));
  if (!twin || isSoundOff) return null;
  const act = { label: strings.media.twinAct, testId: "hint-without-sound", act: () => reception.setSoundOff(true) };
  return (
    <Hint
      testId="twin-hint"
      text={strings.media.twin(twin.name || "")}
      acts={[act]}
      onDismiss={() => setHidden(new Set(hidden).add(twin.identity))}
    />
  );
}

function DeviceHint() {
  const { strings } = useCall();
  const { arrival, takeIt, dismiss } = useDeviceNews();
  if (!arrival) return null;
  const act = { label: strings.media.useDevice, testId: "hint-use-device", act: takeIt };
  return (
    <Hint testId="device-hint" text={strings.media.deviceArrived(arrival.label)} acts={[act]} onDismiss={dismiss} />
  );
}
