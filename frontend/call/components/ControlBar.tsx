import { useCall, useSession } from "../callcontext.ts";
import type { MediaControls } from "../hooks/useMediaControls.ts";
import { SHORTCUT_KEYS } from "../keyboard.ts";
import { useStage } from "../stagecontext.ts";
import { ControlButton } from "./ControlButton.tsx";
import { DeviceMenu } from "./DeviceMenu.tsx";
import { LeaveControl } from "./LeaveControl.tsx";
import { MoreMenu } from "./MoreMenu.tsx";

type ControlBarProps = {
  controls: MediaControls;
  onHelp: () => void;
};

const canShare = () => typeof navigator.mediaDevices?.getDisplayMedia === "function";

/** The controls, always in this order, so that the hand finds them. */
export function ControlBar({ controls, onHelp }: ControlBarProps) {
  const { strings } = useCall();
  const { panel, togglePanel } = useStage();
  const waitingCount = useSession().roomState?.waiting.length ?? 0;
  const { microphone, camera, share } = controls;
  const hint = (text: string, shortcut: keyof typeof SHORTCUT_KEYS) => `${text} (${SHORTCUT_KEYS[shortcut]})`;
  return (
    <div
      id="controls"
      className="bar"
      role="toolbar"
      tabIndex={-1}
      aria-label={strings.controls}
      data-testid="control-bar"
    >
      <div className="bar__pair">
        <ControlButton
          icon={microphone.isOn ? "mic" : "micOff"}
          label={strings.microphone}
          title={hint(microphone.isOn ? strings.turnMicOff : strings.turnMicOn, "microphone")}
          control={microphone}
          isAlarming={!microphone.isOn}
          testId="mic-button"
        />
        <DeviceMenu kinds={["audioinput", "audiooutput"]} label={strings.chooseMicrophone} testId="mic-menu" />
      </div>
      <div className="bar__pair">
        <ControlButton
          icon={camera.isOn ? "camera" : "cameraOff"}
          label={strings.camera}
          title={hint(camera.isOn ? strings.turnCameraOff : strings.turnCameraOn, "camera")}
          control={camera}
          isAlarming={!camera.isOn}
          testId="camera-button"
        />
        <DeviceMenu kinds={["videoinput"]} label={strings.chooseCamera} testId="camera-menu" />
      </div>
      {canShare() && (
        <ControlButton
          icon={share.isOn ? "stopShare" : "share"}
          label={share.isOn ? strings.stopShare : strings.share}
          title={hint(strings.shortcutNames.share, "share")}
          control={share}
          testId="share-button"
        />
      )}
      <ControlButton
        icon="people"
        label={strings.people}
        title={hint(strings.shortcutNames.people, "people")}
        control={{ isOn: panel === "people", isBusy: false, toggle: () => togglePanel("people") }}
        badge={waitingCount}
        testId="people-button"
      />
      <MoreMenu onHelp={onHelp} />
      <LeaveControl />
    </div>
  );
}
