// How this person looks at the stage: layout, what they pinned, whether they see themselves. Theirs alone; nobody else is told.
import { createContext, useContext } from "react";
import type { Pip } from "./hooks/usePip.ts";
import type { LayoutChoice } from "./stageview.ts";

export type StageView = {
  choice: LayoutChoice;
  choose: (choice: LayoutChoice) => void;
  /** The key of a tile, or null. */
  pinned: string | null;
  /** Pins the tile, or lets it go where it is pinned; null lets go. */
  togglePin: (key: string | null) => void;
  isSelfHidden: boolean;
  hideSelf: (isHidden: boolean) => void;
  pip: Pip;
};

export const StageViewContext = createContext<StageView | null>(null);

export function useStageView(): StageView {
  const view = useContext(StageViewContext);
  if (!view) throw new Error("this component needs StageViewContext");
  return view;
}
