import { useMemo, useState } from "react";
import { useCall } from "../callcontext.ts";
import { layoutChoice } from "../stageview.ts";
import type { StageView } from "../stageviewcontext.ts";
import { usePip } from "./usePip.ts";

/** The state behind StageViewContext. Layout and self view are remembered; a pin is for this call. */
export function useStageViewState(): StageView {
  const { strings, notices, preferences, savePreferences } = useCall();
  const [choice, setChoice] = useState(() => layoutChoice(preferences.current.stageLayout));
  const [pinned, setPinned] = useState<string | null>(null);
  const [isSelfHidden, setIsSelfHidden] = useState(preferences.current.isSelfHidden);
  const pip = usePip();
  return useMemo(
    () => ({
      choice,
      choose: (wanted) => {
        setChoice(wanted);
        // A pin would go before the layout that was just asked for.
        setPinned(null);
        savePreferences({ stageLayout: wanted });
        notices.say(strings.stage.layoutIs(strings.stage.layouts[wanted]));
      },
      pinned,
      togglePin: (key) => setPinned((current) => (current === key ? null : key)),
      pip,
      isSelfHidden,
      hideSelf: (isHidden) => {
        setIsSelfHidden(isHidden);
        savePreferences({ isSelfHidden: isHidden });
        notices.say(isHidden ? strings.stage.selfIsHidden : strings.stage.selfIsShown);
      },
    }),
    [choice, pinned, pip, isSelfHidden, strings, notices, savePreferences],
  );
}
