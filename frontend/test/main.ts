// The connection test (`/test`): what runs when, and the verdict. Steps are in their own files; livekit-client comes with the network step only.
import { isBrowserSupported } from "../call/devices.ts";
import { playTestSound } from "../call/testsound.ts";
import { judgeBrowser, readBrowser } from "./browser.ts";
import { named } from "./candidates.ts";
import { DeviceSteps } from "./devicesteps.ts";
import { button, element } from "./elements.ts";
import { runNetworkStep } from "./networkstep.ts";
import { browserText, reportOf } from "./report.ts";
import { ReportBox } from "./reportbox.ts";
import { blockedTargets, noResults, type Results, verdictOf } from "./results.ts";
import { question, Step, type StepName } from "./step.ts";
import { type Strings, stringsFor } from "./strings/index.ts";

type TestConfig = { locale: string; api: string };

const STEPS: readonly StepName[] = ["browser", "camera", "microphone", "speaker", "network"];
// Who does not answer the browser's question still gets to know their network.
const PATIENCE_MS = 20_000;
const ALERTS = { open: "info", good: "success", limited: "warning", bad: "error" } as const;

class ConnectionTest {
  private results: Results = noResults();
  private steps = new Map<StepName, Step>();
  private devices: DeviceSteps | null = null;
  private isRunning = false;
  private isDone = false;
  private readonly list = element("ol", { className: "test-steps fr-raw-list" });
  private readonly verdict = element("div", { hidden: true, data: { testid: "verdict" } });
  private readonly announcer = element("p", { className: "fr-sr-only", role: "status", data: { testid: "announcer" } });
  private readonly progress = element("p", { className: "test-progress", hidden: true });
  private readonly start: HTMLButtonElement;
  private readonly report: ReportBox;
  private readonly config: TestConfig;
  private readonly strings: Strings;

  constructor(root: HTMLElement, config: TestConfig, strings: Strings) {
    this.config = config;
    this.strings = strings;
    this.start = button(strings.start, "primary", "start-button", () => void this.run());
    this.start.classList.add("fr-btn--lg");
    this.report = new ReportBox(strings);
    const intro = element("p", {}, strings.intro);
    root.replaceChildren(
      intro,
      this.start,
      this.announcer,
      this.progress,
      this.verdict,
      this.list,
      this.report.section,
    );
    document.documentElement.dataset.testState = "ready";
  }

  private async run(): Promise<void> {
    if (this.isRunning) return;
    this.prepare();
    if (this.checkBrowser()) {
      this.offerSound();
      const steps = { camera: this.step("camera"), microphone: this.step("microphone") };
      this.devices = new DeviceSteps(steps, this.strings, this.results, this.update);
      const opened = this.devices.run();
      await Promise.race([opened, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
      await runNetworkStep(this.step("network"), this.strings, this.results, this.config.api);
    }
    this.finish();
  }

  private prepare(): void {
    this.devices?.stop();
    this.results = noResults();
    this.isRunning = true;
    this.isDone = false;
    this.verdict.hidden = true;
    this.report.hide();
    this.steps = new Map(STEPS.map((name) => [name, new Step(name, this.strings, this.announce)]));
    this.list.replaceChildren(...[...this.steps.values()].map(({ section }) => element("li", {}, section)));
    // Not disabled: a disabled button loses the focus.
    this.start.setAttribute("aria-disabled", "true");
    this.start.textContent = this.strings.running;
    document.documentElement.dataset.testState = "running";
  }

  private step(name: StepName): Step {
    const step = this.steps.get(name);
    if (!step) throw new Error(`no step ${name}`);
    return step;
  }

  private readonly announce = (text: string): void => {
    this.announcer.textContent = text;
    const done = [...this.steps.values()].filter(
      ({ section }) => !["waiting", "running"].includes(`${section.dataset.state}`),
    );
    this.progress.textContent = this.strings.stepOf(
      String(Math.min(done.length + 1, STEPS.length)),
      String(STEPS.length),
    );
    this.progress.hidden = !this.isRunning;
  };

  private checkBrowser(): boolean {
    const browser = readBrowser(navigator.userAgent);
    const verdict = judgeBrowser(browser, {
      isSecure: window.isSecureContext,
      hasDevices: typeof navigator.mediaDevices?.getUserMedia === "function",
      hasCalls: isBrowserSupported(),
    });
    this.results.browser = { browser, verdict };
    const state = verdict === "good" ? "good" : verdict === "old" ? "limited" : "bad";
    this.step("browser").show(
      state,
      `${browserText(this.results, this.strings)}. ${this.strings.browserVerdicts[verdict]}`,
    );
    return state !== "bad";
  }

  private offerSound(): void {
    const { strings, results } = this;
    const step = this.step("speaker");
    step.show("ask", strings.speakerIntro);
    const asked = question(strings.heardTone, strings, "hears-speaker", (answer) => {
      results.hearsSpeaker = answer;
      step.show(answer ? "good" : "limited", answer ? strings.speakerGood : strings.speakerBad);
      this.update();
    });
    asked.hidden = true;
    const play = button(strings.playTone, "secondary", "speaker-button", async () => {
      try {
        await playTestSound("");
        asked.hidden = false;
      } catch (error) {
        console.warn("the sound was not played", error);
        step.show("bad", strings.toneFailed);
        results.hearsSpeaker = false;
        this.update();
      }
    });
    play.classList.add("fr-btn--sm");
    step.body.append(play, asked);
  }

  private finish(): void {
    this.isRunning = false;
    this.isDone = true;
    this.progress.hidden = true;
    this.start.removeAttribute("aria-disabled");
    this.start.textContent = this.strings.again;
    this.update();
    // Who did nothing meanwhile is shown the verdict; nothing moves under anybody else's hands.
    if ([this.start, document.body].includes(document.activeElement as HTMLElement))
      this.verdict.scrollIntoView({ block: "nearest" });
    document.documentElement.dataset.testState = "done";
  }

  /** The verdict and report as the findings are now; answers may come after the end. */
  private readonly update = (): void => {
    if (!this.isDone) return;
    const { grade, reason } = verdictOf(this.results);
    const sentence = this.strings.verdicts[reason];
    const isAsking = grade === "limited" && this.results.hearsSpeaker === null;
    const blocked = grade === "bad" ? blockedTargets(this.results).map(named).join(", ") : "";
    this.verdict.hidden = false;
    this.verdict.className = `fr-alert fr-alert--${ALERTS[grade]} test-verdict`;
    this.verdict.dataset.grade = grade;
    this.verdict.dataset.reason = reason;
    this.verdict.replaceChildren(
      element("h2", { className: "fr-alert__title" }, sentence),
      ...(blocked === "" ? [] : [element("p", {}, this.strings.blocked(blocked))]),
      ...(isAsking ? [element("p", {}, this.strings.unanswered)] : []),
    );
    this.announcer.textContent = sentence;
    const place = { portal: location.origin, time: new Date().toLocaleString(this.config.locale) };
    this.report.show(reportOf(this.results, this.strings, place));
  };
}

function readConfig(): TestConfig {
  const config = JSON.parse(document.getElementById("test-config")?.textContent ?? "{}") as Partial<TestConfig>;
  if (!config.locale || !config.api) throw new Error("test-config is missing from the page");
  return { locale: config.locale, api: config.api };
}

const root = document.getElementById("test-root");
if (!root) throw new Error("test-root is missing from the page");
const config = readConfig();
new ConnectionTest(root, config, stringsFor(config.locale));
