import { useCall, useSession } from "../callcontext.ts";

/** What happens, what we do about it, and that there is nothing to do. */
export function ReconnectBanner() {
  const { strings } = useCall();
  const { phase } = useSession();
  if (phase.name !== "reconnecting") return null;
  const texts = {
    signal: strings.reconnectingSignal,
    media: strings.reconnectingMedia,
    rejoin: strings.reconnectingRejoin,
  };
  return (
    <div className="banner banner--cut" data-testid="reconnecting" data-layer={phase.layer}>
      <span className="spinner" aria-hidden="true" />
      <p>
        <strong>{texts[phase.layer]}</strong> {phase.layer !== "signal" && strings.reconnectingHint}
      </p>
    </div>
  );
}
