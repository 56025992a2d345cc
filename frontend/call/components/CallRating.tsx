import { useEffect, useRef, useState } from "react";
import { useCall } from "../callcontext.ts";
import { RATINGS, type Rating } from "../contract.ts";
import { Icon, type IconName } from "./Icon.tsx";

const FACES: Record<Rating, IconName> = { good: "reaction", middling: "neutral", bad: "frown" };

type State = "asking" | "sending" | "failed" | "thanked";

/** How the call was, in one click; kept with the row of this departure. */
export function CallRating() {
  const { strings, api } = useCall();
  const { title, hint, answers, thanks, failed } = strings.endings.rating;
  const [state, setState] = useState<State>("asking");
  const heading = useRef<HTMLHeadingElement>(null);
  // The button that had the focus is gone.
  useEffect(() => {
    if (state === "thanked") heading.current?.focus({ preventScroll: true });
  }, [state]);
  const send = async (rating: Rating) => {
    if (state === "sending" || state === "thanked") return;
    setState("sending");
    try {
      await api.rate(rating);
      setState("thanked");
    } catch (error) {
      console.warn("the rating was not taken", error);
      setState("failed");
    }
  };
  return (
    <section className="rating" aria-labelledby="rating-title" data-testid="call-rating" data-state={state}>
      <h2 ref={heading} id="rating-title" className="fr-h6 rating__title" tabIndex={-1}>
        {state === "thanked" ? thanks : title}
      </h2>
      {state !== "thanked" && (
        <>
          <p className="fr-text--sm rating__hint">{hint}</p>
          <div className="rating__answers">
            {RATINGS.map((rating) => (
              <button
                key={rating}
                type="button"
                className="fr-btn fr-btn--secondary rating__answer"
                aria-disabled={state === "sending"}
                data-testid={`rate-${rating}`}
                onClick={() => void send(rating)}
              >
                <Icon name={FACES[rating]} />
                {answers[rating]}
              </button>
            ))}
          </div>
        </>
      )}
      <div role="status">{state === "failed" && <p className="fr-error-text">{failed}</p>}</div>
    </section>
  );
}
