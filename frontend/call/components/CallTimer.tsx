import { useEffect, useState } from "react";
import { callSeconds, clockText, untilNextSecondMs } from "../callclock.ts";
import { useCall, useSession } from "../callcontext.ts";

/** How long the call has gone on. To be looked up, never announced: a screen reader would say nothing else. */
export function CallTimer() {
  const { strings } = useCall();
  const beganAt = useSession().roomState?.callBeganAt ?? null;
  const seconds = useCallSeconds(beganAt);
  if (seconds === null) return null;
  return (
    <span
      className="stage__timer"
      role="timer"
      aria-live="off"
      aria-label={strings.stage.callLength}
      data-testid="call-timer"
    >
      {clockText(seconds)}
    </span>
  );
}

function useCallSeconds(beganAt: string | null): number | null {
  const { clockLeadMs, later } = useCall();
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (beganAt === null) return;
    let cancel = () => {};
    const tick = () => {
      const localMs = Date.now();
      setNow(localMs);
      cancel = later(untilNextSecondMs(beganAt, localMs, clockLeadMs), tick);
    };
    tick();
    return () => cancel();
  }, [beganAt, clockLeadMs, later]);
  return callSeconds(beganAt, now, clockLeadMs);
}
