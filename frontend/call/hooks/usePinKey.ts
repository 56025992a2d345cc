import { useCall } from "../callcontext.ts";
import type { StageView } from "../stageviewcontext.ts";

/** What the key does: pins the tile that has the focus; without one lets go of what is pinned, or pins who speaks. */
export function usePinKey({ pinned, togglePin }: StageView): () => void {
  const { strings, notices } = useCall();
  return () => {
    const find = (selector: string) => document.querySelector<HTMLElement>(`.tiles ${selector}`);
    const inFocus = document.activeElement?.closest<HTMLElement>("[data-tile-key]");
    const target =
      inFocus ??
      (pinned === null
        ? (find('[data-speaking="true"][data-local="false"]') ?? find('[data-tile-key]:not([data-local="true"])'))
        : find(`[data-tile-key="${CSS.escape(pinned)}"]`));
    const key = target?.dataset.tileKey ?? pinned;
    if (key === null) {
      notices.say(strings.stage.nothingToPin);
      return;
    }
    togglePin(key);
    const name = target?.dataset.name ?? "";
    notices.say(pinned === key ? strings.stage.unpinned(name) : strings.stage.pinned(name));
  };
}
