import { useRef } from "react";
import { controlsThatFit, type Spilling } from "../barfit.ts";
import { useCall, useSession } from "../callcontext.ts";
import { mayModerate } from "../contract.ts";
import { useElementSize } from "../hooks/useElementSize.ts";
import type { Hand } from "../hooks/useHand.ts";
import type { MediaControls } from "../hooks/useMediaControls.ts";
import { SHORTCUT_KEYS } from "../keyboard.ts";
import { useStage } from "../stagecontext.ts";
import { useChat } from "../togethercontext.ts";
import { ControlButton, type ControlButtonProps } from "./ControlButton.tsx";
import { DeviceMenu } from "./DeviceMenu.tsx";
import { LeaveControl } from "./LeaveControl.tsx";
import { MoreMenu } from "./MoreMenu.tsx";
import { ReactionMenu } from "./ReactionMenu.tsx";

type ControlBarProps = {
  controls: MediaControls;
  hand: Hand;
  onHelp: () => void;
};

/** A switch that gives way to others on a narrow screen, and is then an entry of "More". */
export type BarEntry = ControlButtonProps & { name: Spilling };

const canShare = () => typeof navigator.mediaDevices?.getDisplayMedia === "function";

/** The controls, always in this order, so that the hand finds them; what does not fit is in "More". */
export function ControlBar({ controls, hand, onHelp }: ControlBarProps) {
  const { strings } = useCall();
  const { panel, togglePanel } = useStage();
  const { roomState } = useSession();
  const { unread } = useChat();
  const bar = useRef<HTMLDivElement>(null);
  const { width } = useElementSize(bar);
  const { microphone, camera, share } = controls;
  const hint = (text: string, shortcut: keyof typeof SHORTCUT_KEYS) => `${text} (${SHORTCUT_KEYS[shortcut]})`;
  const entries: BarEntry[] = [];
  if (canShare())
    entries.push({
      name: "share",
      icon: share.isOn ? "stopShare" : "share",
      label: share.isOn ? strings.stopShare : strings.share,
      title: hint(strings.shortcutNames.share, "share"),
      control: share,
      testId: "share-button",
    });
  entries.push({
    name: "hand",
    icon: "hand",
    label: strings.together.hand,
    title: hint(hand.isOn ? strings.together.lowerHand : strings.together.raiseHand, "hand"),
    control: hand,
    badge: hand.order,
    badgeText: strings.together.handUp(hand.order),
    testId: "hand-button",
  });
  entries.push({
    name: "people",
    icon: "people",
    label: strings.people,
    title: hint(strings.shortcutNames.people, "people"),
    control: { isOn: panel === "people", isBusy: false, toggle: () => togglePanel("people") },
    badge: roomState?.waiting.length ?? 0,
    testId: "people-button",
  });
  entries.push({
    name: "chat",
    icon: "chat",
    label: strings.chat.title,
    title: hint(strings.chat.shortcutName, "chat"),
    control: { isOn: panel === "chat", isBusy: false, toggle: () => togglePanel("chat") },
    badge: unread,
    badgeText: strings.chat.unread(unread),
    testId: "chat-button",
  });
  const wanted: Spilling[] = ["devices", "reactions", ...entries.map(({ name }) => name)];
  const isHost = mayModerate(roomState?.me.role ?? "participant");
  // Before the first measure all are there: that is what a desk has.
  const fitting = width === 0 ? new Set(wanted) : controlsThatFit(width, wanted, isHost);
  const hasDevices = fitting.has("devices");
  const buttons = (...names: Spilling[]) =>
    entries
      .filter(({ name }) => names.includes(name) && fitting.has(name))
      .map(({ name, ...entry }) => <ControlButton key={name} {...entry} />);

  return (
    <div
      ref={bar}
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
        {hasDevices && (
          <DeviceMenu kinds={["audioinput", "audiooutput"]} label={strings.chooseMicrophone} testId="mic-menu" />
        )}
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
        {hasDevices && <DeviceMenu kinds={["videoinput"]} label={strings.chooseCamera} testId="camera-menu" />}
      </div>
      {buttons("share", "hand")}
      {fitting.has("reactions") && <ReactionMenu />}
      {buttons("people", "chat")}
      <MoreMenu
        onHelp={onHelp}
        spilled={entries.filter(({ name }) => !fitting.has(name))}
        hasReactions={!fitting.has("reactions")}
      />
      <LeaveControl />
    </div>
  );
}
