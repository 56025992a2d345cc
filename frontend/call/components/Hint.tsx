import { type ReactNode, useEffect } from "react";
import { useCall } from "../callcontext.ts";
import { focusStage } from "../focus.ts";
import { Icon } from "./Icon.tsx";

export type HintAct = { label: string; testId: string; act: () => void };
type HintProps = {
  testId: string;
  text: string;
  acts: HintAct[];
  onDismiss?: (() => void) | undefined;
  children?: ReactNode;
};

/** Something about the person's own picture or sound, with its repair one click away; stays until it is repaired or hidden. */
export function Hint({ testId, text, acts, onDismiss }: HintProps) {
  const { strings, notices } = useCall();
  useEffect(() => notices.say(text), [notices, text]);
  const click = (act: () => void) => () => {
    act();
    // The button goes away with what it repaired.
    focusStage();
  };
  return (
    <div className="banner banner--hint" data-testid={testId}>
      <p>{text}</p>
      {acts.map(({ label, testId: actId, act }, index) => (
        <button
          key={actId}
          type="button"
          className={`stage-button${index === 0 ? " stage-button--main" : ""}`}
          data-testid={actId}
          onClick={click(act)}
        >
          {label}
        </button>
      ))}
      {onDismiss && (
        <button
          type="button"
          className="icon-button"
          aria-label={strings.media.notNow}
          data-testid={`${testId}-hide`}
          onClick={click(onDismiss)}
        >
          <Icon name="close" />
        </button>
      )}
    </div>
  );
}
