import { useCall } from "../callcontext.ts";
import { Icon } from "./Icon.tsx";
import { Menu, MenuItem } from "./Menu.tsx";

/** What is not needed in every minute of a call. */
export function MoreMenu({ onHelp }: { onHelp: () => void }) {
  const { strings } = useCall();
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
        return entry(strings.shortcutsTitle, "help-button", onHelp);
      }}
    </Menu>
  );
}
