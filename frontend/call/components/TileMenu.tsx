import { useCall } from "../callcontext.ts";
import { useStageView } from "../stageviewcontext.ts";
import { Icon } from "./Icon.tsx";
import { Menu, MenuItem } from "./Menu.tsx";

type TileMenuProps = {
  tileKey: string;
  name: string;
  isMine: boolean;
  /** Only a person's own picture can be hidden. */
  mayHide?: boolean;
  describedBy?: string | undefined;
};

/** What can be done with one tile, on its corner: shown on hover and focus, always on a touch screen. */
export function TileMenu({ tileKey, name, isMine, mayHide = false, describedBy }: TileMenuProps) {
  const { strings, notices } = useCall();
  const { pinned, togglePin, hideSelf } = useStageView();
  const isPinned = pinned === tileKey;
  return (
    <div className="tile__menu" data-pinned={isPinned}>
      <Menu
        label={strings.stage.tileActs(name)}
        testId={`tile-menu-${tileKey}`}
        buttonClass="icon-button"
        button={<Icon name={isPinned ? "pin" : "more"} />}
        describedBy={describedBy}
      >
        {(close) => (
          <>
            <MenuItem
              testId={`pin-${tileKey}`}
              onChoose={() => {
                close();
                togglePin(tileKey);
                notices.say(isPinned ? strings.stage.unpinned(name) : strings.stage.pinned(name));
              }}
            >
              {isPinned ? strings.stage.unpin : strings.stage.pin}
            </MenuItem>
            {isMine && mayHide && (
              <MenuItem
                testId="hide-self"
                onChoose={() => {
                  close();
                  hideSelf(true);
                }}
              >
                {strings.stage.hideSelf}
              </MenuItem>
            )}
          </>
        )}
      </Menu>
    </div>
  );
}
