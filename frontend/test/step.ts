// One step of the test as people see it: a heading, its state in words, what was found, and what one may do.
import { element } from "./elements.ts";
import type { Strings } from "./strings/index.ts";

export type StepState = keyof Strings["states"];
export type StepName = "browser" | "camera" | "microphone" | "speaker" | "network";

const BADGES: Record<StepState, string> = {
  waiting: "",
  running: " fr-badge--info",
  ask: " fr-badge--new",
  good: " fr-badge--success",
  limited: " fr-badge--warning",
  bad: " fr-badge--error",
  absent: "",
};

export class Step {
  readonly section: HTMLElement;
  /** Controls and pictures of this step; stays when the text changes, so that no focus is lost. */
  readonly body = element("div", { className: "test-step__body" });
  private readonly badge = element("p");
  private readonly text = element("p", { className: "test-step__text" });
  private readonly strings: Strings;
  private readonly title: string;
  private readonly announce: (text: string) => void;

  constructor(name: StepName, strings: Strings, announce: (text: string) => void) {
    this.strings = strings;
    this.title = strings.titles[name];
    this.announce = announce;
    const heading = element("h2", { className: "fr-h5 test-step__title", id: `step-${name}` }, this.title);
    const head = element("div", { className: "test-step__head" }, heading, this.badge);
    const data = { testid: `step-${name}` };
    const aria = { labelledby: heading.id };
    this.section = element("section", { className: "test-step", data, aria }, head, this.text, this.body);
    this.show("waiting", "");
  }

  /** Says so on the page and, in short, to those who cannot see it. */
  show(state: StepState, text: string): void {
    const was = this.section.dataset.state;
    this.section.dataset.state = state;
    this.badge.className = `fr-badge fr-badge--no-icon test-step__badge${BADGES[state]}`;
    this.badge.textContent = this.strings.states[state];
    this.text.textContent = text;
    this.text.hidden = text === "";
    const isNews = was !== undefined && was !== state && state !== "waiting";
    if (isNews) this.announce(this.strings.pair(this.title, `${this.strings.states[state]}. ${text}`));
  }
}

/** A question with two answers; the answer stays visible as the pressed button. */
export function question(
  text: string,
  strings: Strings,
  testId: string,
  onAnswer: (answer: boolean) => void,
): HTMLFieldSetElement {
  const choose = (answer: boolean) => {
    yes.setAttribute("aria-pressed", String(answer));
    no.setAttribute("aria-pressed", String(!answer));
    onAnswer(answer);
  };
  const choice = (label: string, answer: boolean) => {
    const data = { testid: `${testId}-${answer ? "yes" : "no"}` };
    const className = "fr-btn fr-btn--sm fr-btn--secondary test-choice";
    const made = element("button", { type: "button", className, data, aria: { pressed: "false" } }, label);
    made.addEventListener("click", () => choose(answer));
    return made;
  };
  const yes = choice(strings.yes, true);
  const no = choice(strings.no, false);
  const legend = element("legend", { className: "test-question__legend" }, text);
  return element("fieldset", { className: "test-question", data: { testid: testId } }, legend, yes, no);
}
