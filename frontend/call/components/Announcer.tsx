import { useSyncExternalStore } from "react";
import { useCall } from "../callcontext.ts";

/** What screen readers are told. The key makes the same words, said twice, be read twice. */
export function Announcer() {
  const { notices } = useCall();
  const { spoken } = useSyncExternalStore(notices.subscribe, notices.getSnapshot);
  return (
    <div className="unseen" role="status" aria-live="polite" data-testid="announcer">
      <span key={spoken.id}>{spoken.text}</span>
    </div>
  );
}
