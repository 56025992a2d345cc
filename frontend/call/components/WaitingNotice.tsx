import { useEffect, useRef } from "react";
import { useCall, useSession } from "../callcontext.ts";
import { focusStage } from "../focus.ts";
import { useActs } from "../hooks/useActs.ts";
import { useStage } from "../stagecontext.ts";
import { AskingOrigin } from "./AskingOrigin.tsx";

/** More who come at one moment are told by their number. */
const MOST_NAMES = 3;

/** Tells host and moderators that somebody waits, and stays while they do: the person outside sees nothing else either. */
export function WaitingNotice() {
  const { strings, notices } = useCall();
  const waiting = useSession().roomState?.waiting ?? [];
  const acts = useActs();
  const { panel, showPanel } = useStage();
  const known = useRef(new Set<string>());
  const newest = waiting.filter(({ identity }) => !known.current.has(identity));
  useEffect(() => {
    if (newest.length > MOST_NAMES) notices.say(strings.severalWait(waiting.length));
    else for (const { name } of newest) notices.say(strings.someoneWaits(name));
    known.current = new Set(waiting.map(({ identity }) => identity));
  });
  const [first] = waiting;
  if (!first || panel === "people") return null;
  return (
    <div className="banner" data-testid="waiting-notice">
      <p>
        {waiting.length > 1 ? (
          strings.severalWait(waiting.length)
        ) : (
          <>
            {strings.someoneWaits(first.name)}
            <span className="banner__detail">
              <AskingOrigin person={first} />
            </span>
          </>
        )}
      </p>
      {waiting.length === 1 && (
        <button
          type="button"
          className="stage-button stage-button--main"
          aria-label={strings.admitName(first.name)}
          data-testid="notice-admit"
          onClick={() => {
            acts.onPerson(first.identity, "admit");
            focusStage();
          }}
        >
          {strings.admit}
        </button>
      )}
      <button type="button" className="stage-button" data-testid="notice-see" onClick={() => showPanel("people")}>
        {strings.seeWaiting}
      </button>
    </div>
  );
}
