import { useEffect } from "react";
import { useCall } from "../callcontext.ts";
import type { Outgoing } from "../chat/chatlog.ts";
import { focusPanelTitle } from "../focus.ts";
import { useTogether } from "../togethercontext.ts";

/** A message of one's own that is under way, or did not leave: then it stays, with the way to send it again. */
export function OutgoingLine({ outgoing }: { outgoing: Outgoing }) {
  const { strings, notices } = useCall();
  const { chat } = useTogether();
  const { key, text, state, reason } = outgoing;
  const why = reason || strings.chat.notSentOffline;
  useEffect(() => {
    if (state === "failed") notices.say(`${strings.chat.notSent} ${reason}`.trim());
  }, [state, reason, notices, strings]);
  return (
    <div className="message message--mine message--outgoing" data-testid="chat-outgoing" data-state={state}>
      <p className="message__text" dir="auto">
        {text}
      </p>
      {state === "sending" ? (
        <p className="message__fact">{strings.chat.sending}</p>
      ) : (
        <>
          <p className="message__wrong">{why}</p>
          <div className="message__acts">
            <button
              type="button"
              className="stage-button"
              data-testid="chat-send-again"
              onClick={(event) => {
                focusPanelTitle(event.currentTarget);
                void chat.sendAgain(key);
              }}
            >
              {strings.chat.sendAgain}
            </button>
            <button
              type="button"
              className="stage-button"
              data-testid="chat-discard"
              onClick={(event) => {
                focusPanelTitle(event.currentTarget);
                chat.discard(key);
              }}
            >
              {strings.chat.discard}
            </button>
          </div>
        </>
      )}
    </div>
  );
}
