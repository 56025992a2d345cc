import { useEffect } from "react";
import { useCall, useSession } from "../callcontext.ts";
import { type FinalName, MAY_COME_BACK } from "../phase.ts";
import { CallRating } from "./CallRating.tsx";
import { Heading } from "./Heading.tsx";

type EndingName = FinalName | "unsupported";
/** Other ends are another person’s decision, or leave no network to answer by. */
const ASKED_AFTER: readonly EndingName[] = ["left", "ended", "ended-by-you"];

/** The screen after the call, or instead of it: what happened, what we do about it, and what the person can do. */
export function Ending({ name }: { name: EndingName }) {
  const { strings, session, config, notices } = useCall();
  const { wasInCall } = useSession();
  const { title, what, we, you } = strings.endings.texts[name];
  const mayComeBack = name !== "unsupported" && MAY_COME_BACK.includes(name);
  // Whoever ended it and does not own the room must be let in anew.
  const isReopening = name === "ended-by-you";
  const again = isReopening
    ? strings.endings.reopen
    : name === "left"
      ? strings.rejoin
      : name === "duplicate"
        ? strings.useHere
        : strings.tryAgain;
  // What was said of the call is over. The title, with the focus on it, is read by itself.
  useEffect(() => {
    notices.clear();
    notices.say(what);
    return () => notices.clear();
  }, [notices, what]);
  return (
    <section className="ending" data-testid={`ending-${name}`}>
      <Heading>{title}</Heading>
      <p className="fr-text--lead">{what}</p>
      {wasInCall && ASKED_AFTER.includes(name) && <CallRating />}
      <h2 className="fr-h6 ending__subtitle">{strings.endings.whatWeDo}</h2>
      <p>{we}</p>
      <h2 className="fr-h6 ending__subtitle">{strings.endings.whatYouCan}</h2>
      <p>{you}</p>
      <div className="ending__acts">
        {name === "untrusted" && (
          <a className="fr-btn" href="/trust" target="_blank" rel="noreferrer" data-testid="trust-link">
            {strings.endings.trustLink}
          </a>
        )}
        {mayComeBack && (config.me.isOwner || !isReopening) && (
          <button
            type="button"
            className={name === "untrusted" ? "fr-btn fr-btn--secondary" : "fr-btn"}
            data-testid="rejoin-button"
            onClick={() => void session.rejoin()}
          >
            {again}
          </button>
        )}
        {name === "unreachable" && (
          <a className="fr-btn fr-btn--secondary" href="/test" target="_blank" rel="noreferrer" data-testid="test-link">
            {strings.endings.testLink}
          </a>
        )}
        {mayComeBack && (
          <button
            type="button"
            className="fr-btn fr-btn--secondary"
            data-testid="restart-button"
            onClick={session.restart}
          >
            {strings.backToCheck}
          </button>
        )}
        <a className="fr-btn fr-btn--tertiary" href={config.urls.home} data-testid="home-link">
          {strings.backHome}
        </a>
      </div>
    </section>
  );
}
