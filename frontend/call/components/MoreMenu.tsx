import { useCall, useReception } from "../callcontext.ts";
import { useStage } from "../stagecontext.ts";
import type { BarEntry } from "./ControlBar.tsx";
import { Icon } from "./Icon.tsx";
import { Menu, MenuItem } from "./Menu.tsx";
import { ReactionItems } from "./ReactionMenu.tsx";
import { ViewItems } from "./ViewItems.tsx";

type MoreMenuProps = {
  onHelp: () => void;
  /** What the bar has no room for. */
  spilled: readonly BarEntry[];
  hasReactions: boolean;
};

/** What is not needed in every minute of a call. */
export function MoreMenu({ onHelp, spilled, hasReactions }: MoreMenuProps) {
  const { strings, reception } = useCall();
  const { isVideoOff } = useReception();
  const { showPanel } = useStage();
  const button = (
    <>
      <Icon name="more" />
      <span className="control__label">{strings.bar.more}</span>
    </>
  );
  return (
    <Menu label={strings.bar.moreActs} testId="more-menu" buttonClass="control" button={button}>
      {(close) => {
        const entry = (text: string, testId: string, act: () => void) => (
          <MenuItem
            testId={testId}
            onChoose={() => {
              close();
              act();
            }}
          >
            {text}
          </MenuItem>
        );
        return (
          <>
            {spilled.map(({ name, label, title, badge = 0, control, testId }) => (
              <MenuItem
                key={name}
                testId={testId}
                onChoose={() => {
                  close();
                  control.toggle();
                }}
              >
                {badge > 0 ? `${label} (${badge})` : control.isOn && name === "share" ? title : label}
              </MenuItem>
            ))}
            {hasReactions && <ReactionItems onChosen={close} />}
            {entry(strings.media.settings, "settings-button", () => showPanel("settings"))}
            {entry(isVideoOff ? strings.media.pictureAgain : strings.media.soundFirst, "sound-first-button", () =>
              reception.setVideoOff(!isVideoOff),
            )}
            {entry(strings.quality.menu, "quality-button", () => showPanel("quality"))}
            <ViewItems close={close} />
            {entry(strings.together.notices, "notices-button", () => showPanel("notices"))}
            {entry(strings.shortcutsTitle, "help-button", onHelp)}
          </>
        );
      }}
    </Menu>
  );
}
