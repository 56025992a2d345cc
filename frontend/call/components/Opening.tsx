import { useCall, useSession } from "../callcontext.ts";

/** The dark stage before the call is there. */
export function Opening() {
  const { strings, session } = useCall();
  const { phase } = useSession();
  const isAgain = phase.name === "reconnecting";
  return (
    <div className="stage stage--opening" data-testid="call-opening">
      <p className="opening__text" role="status">
        <span className="spinner" aria-hidden="true" />
        {isAgain ? strings.connectingSlow : strings.connecting}
      </p>
      {isAgain && <p className="opening__hint">{strings.reconnectingHint}</p>}
      <button type="button" className="stage-button" data-testid="leave-button" onClick={() => void session.leave()}>
        {strings.leave}
      </button>
    </div>
  );
}
