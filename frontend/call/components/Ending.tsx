import { useCall } from "../callcontext.ts";
import type { FinalName } from "../phase.ts";
import { Heading } from "./Heading.tsx";

type EndingName = FinalName | "unsupported";
const MAY_COME_BACK: readonly EndingName[] = ["left", "unreachable", "duplicate", "locked"];

/** The screen after the call, or instead of it: what happened, and what the person can do. */
export function Ending({ name }: { name: EndingName }) {
  const { strings, session, config } = useCall();
  const { title, text } = strings.endings[name];
  const again = name === "left" ? strings.rejoin : name === "duplicate" ? strings.useHere : strings.tryAgain;
  return (
    <section className="ending" data-testid={`ending-${name}`}>
      <Heading>{title}</Heading>
      <p className="fr-text--lead">{text}</p>
      <div className="ending__acts">
        {MAY_COME_BACK.includes(name) && (
          <button type="button" className="fr-btn" data-testid="rejoin-button" onClick={() => void session.rejoin()}>
            {again}
          </button>
        )}
        {MAY_COME_BACK.includes(name) && (
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
