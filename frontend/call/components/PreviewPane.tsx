import { useEffect, useRef } from "react";
import { useCall, usePreview } from "../callcontext.ts";
import { usePreviewPicture } from "../hooks/usePreviewPicture.ts";
import { Icon } from "./Icon.tsx";
import { LevelMeter } from "./LevelMeter.tsx";
import type { Choices, PreparationActs } from "./Preparation.tsx";

/** The person's own picture, the two switches on it, and the level of the microphone. */
export function PreviewPane({ choices, acts }: { choices: Choices; acts: PreparationActs }) {
  const { strings } = useCall();
  const { audioinput, videoinput } = usePreview();
  const video = useRef<HTMLVideoElement>(null);
  const picture = usePreviewPicture(videoinput.track);
  useEffect(() => {
    if (video.current) video.current.srcObject = picture ? new MediaStream([picture]) : null;
  }, [picture]);

  return (
    <div className="preview">
      <div className="preview__picture" data-testid="preview">
        <video
          ref={video}
          className="mirrored"
          autoPlay
          playsInline
          muted
          aria-label={strings.selfPreview}
          hidden={!videoinput.track}
        />
        {!videoinput.track && (
          <p className="preview__empty">
            <Icon name="cameraOff" />
            {videoinput.isOpening
              ? strings.cameraOpening
              : videoinput.fault
                ? strings.faultTitle.videoinput
                : strings.cameraOff}
          </p>
        )}
        <div className="preview__switches">
          <Toggle
            isOn={choices.isMicrophoneWanted && !audioinput.fault}
            on="mic"
            off="micOff"
            label={strings.microphone}
            title={choices.isMicrophoneWanted ? strings.turnMicOff : strings.turnMicOn}
            testId="preview-mic-button"
            onToggle={() => acts.choose({ isMicrophoneWanted: !choices.isMicrophoneWanted }, "audioinput")}
          />
          <Toggle
            isOn={choices.isCameraWanted && !videoinput.fault}
            on="camera"
            off="cameraOff"
            label={strings.camera}
            title={choices.isCameraWanted ? strings.turnCameraOff : strings.turnCameraOn}
            testId="preview-camera-button"
            onToggle={() => acts.choose({ isCameraWanted: !choices.isCameraWanted }, "videoinput")}
          />
        </div>
      </div>
      <LevelMeter track={audioinput.track} />
    </div>
  );
}

type ToggleProps = {
  isOn: boolean;
  on: "mic" | "camera";
  off: "micOff" | "cameraOff";
  label: string;
  title: string;
  testId: string;
  onToggle: () => void;
};

function Toggle({ isOn, on, off, label, title, testId, onToggle }: ToggleProps) {
  return (
    <button
      type="button"
      className="round-toggle"
      aria-pressed={isOn}
      aria-label={label}
      title={title}
      data-testid={testId}
      onClick={onToggle}
    >
      <Icon name={isOn ? on : off} />
    </button>
  );
}
