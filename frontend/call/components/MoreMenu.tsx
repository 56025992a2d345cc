import { useCall, useReception } from "../callcontext.ts";
import { useStage } from "../stagecontext.ts";
import { Icon } from "./Icon.tsx";
import { Menu, MenuItem } from "./Menu.tsx";

/** What is not needed in every minute of a call. */
export function MoreMenu({ onHelp }: { onHelp: () => void }) {
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
            {entry(strings.media.settings, "settings-button", () => showPanel("settings"))}
            {entry(isVideoOff ? strings.media.pictureAgain : strings.media.soundFirst, "sound-first-button", () =>
              reception.setVideoOff(!isVideoOff),
            )}
            {entry(strings.shortcutsTitle, "help-button", onHelp)}
          </>
        );
      }}
    </Menu>
  );
}
