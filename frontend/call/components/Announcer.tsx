import { useSyncExternalStore } from "react";
import { useCall } from "../callcontext.ts";

/** What screen readers are told. A sentence is a node of its own, so that the same words, said twice, are read twice. */
export function Announcer() {
  const { notices } = useCall();
  const { spoken } = useSyncExternalStore(notices.subscribe, notices.getSnapshot);
  return (
    <div className="unseen" role="status" aria-live="polite" aria-atomic="false" data-testid="announcer">
      {spoken.map(({ id, text }) => (
        <p key={id} dir="auto">
          {text}
        </p>
      ))}
    </div>
  );
}
