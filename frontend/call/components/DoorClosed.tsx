import { useCall } from "../callcontext.ts";
import type { Refusal } from "../contract.ts";
import { Heading } from "./Heading.tsx";

/** Instead of the device check: who decided that this person does not come in, and what they can do. */
export function DoorClosed({ refusal, takesFocus }: { refusal: Refusal; takesFocus: boolean }) {
  const { config, roomTitle, strings } = useCall();
  const { code, message } = refusal;
  // A newer portal knows reasons that this page does not: it says them itself.
  const { title, what, you } = strings.endings.refusals[code] ?? { title: message, what: "", you: "" };
  return (
    <section className="ending" data-testid="door-closed" data-refusal={code}>
      <p className="check__room">{roomTitle}</p>
      <Heading takesFocus={takesFocus}>{title}</Heading>
      {what !== "" && <p className="fr-text--lead">{what}</p>}
      {you !== "" && (
        <>
          <h2 className="fr-h6 ending__subtitle">{strings.endings.whatYouCan}</h2>
          <p>{you}</p>
        </>
      )}
      <div className="ending__acts">
        {!config.me.isSignedIn && code === "no_guests" && (
          <a className="fr-btn" href={config.urls.signIn} data-testid="sign-in-link">
            {strings.signIn}
          </a>
        )}
        {code === "step_up" && (
          <a className="fr-btn" href={location.pathname} data-testid="reload-link">
            {strings.endings.reload}
          </a>
        )}
        <a className="fr-btn fr-btn--tertiary" href={config.urls.home} data-testid="home-link">
          {strings.backHome}
        </a>
      </div>
    </section>
  );
}
