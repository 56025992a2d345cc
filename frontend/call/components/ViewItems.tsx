import { useCall } from "../callcontext.ts";
import { useCameraFacing } from "../hooks/useCameraFacing.ts";
import { useFullScreen } from "../hooks/useFullScreen.ts";
import { LAYOUT_CHOICES } from "../stageview.ts";
import { useStageView } from "../stageviewcontext.ts";
import { MenuItem } from "./Menu.tsx";

/** Entries of the "More" menu about how this person looks at the call. */
export function ViewItems({ close }: { close: () => void }) {
  const { strings } = useCall();
  const { choice, choose, pinned, isSelfHidden, hideSelf, pip } = useStageView();
  const fullScreen = useFullScreen();
  const turnCamera = useCameraFacing();
  const then = (act: () => void) => () => {
    close();
    act();
  };
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is no child of a menu */}
      <div role="group" aria-label={strings.stage.layout}>
        <p className="menu__title" aria-hidden="true">
          {strings.stage.layout}
        </p>
        {LAYOUT_CHOICES.map((each) => (
          <MenuItem
            key={each}
            testId={`layout-${each}`}
            isChecked={each === choice && pinned === null}
            onChoose={then(() => choose(each))}
          >
            {strings.stage.layouts[each]}
          </MenuItem>
        ))}
      </div>
      {turnCamera && (
        <MenuItem testId="switch-camera" onChoose={then(turnCamera)}>
          {strings.stage.switchCamera}
        </MenuItem>
      )}
      <MenuItem testId="self-view-button" onChoose={then(() => hideSelf(!isSelfHidden))}>
        {isSelfHidden ? strings.stage.showSelf : strings.stage.hideSelf}
      </MenuItem>
      {pip.toggle && (
        <MenuItem testId="pip-button" onChoose={then(pip.toggle)}>
          {pip.isOn ? strings.stage.leavePip : strings.stage.pip}
        </MenuItem>
      )}
      {fullScreen && (
        <MenuItem testId="fullscreen-button" onChoose={then(fullScreen.toggle)}>
          {fullScreen.isOn ? strings.stage.leaveFullScreen : strings.stage.fullScreen}
        </MenuItem>
      )}
    </>
  );
}
