// What the components of the stage share: which side panel is open, and how to open another one.
import { createContext, useContext } from "react";

/** One at a time; more would leave no room for faces. */
export type PanelName = "people" | "chat" | "notices" | "settings" | "quality";

export type StageParts = {
  panel: PanelName | null;
  /** Opens `name` instead of whatever is open; null closes. */
  showPanel: (name: PanelName | null) => void;
  /** Opens `name`, or closes it where it is open. */
  togglePanel: (name: PanelName) => void;
};

export const StageContext = createContext<StageParts | null>(null);

export function useStage(): StageParts {
  const parts = useContext(StageContext);
  if (!parts) throw new Error("this component needs StageContext");
  return parts;
}
