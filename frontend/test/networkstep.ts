// The network: each way to the media server in turn, and the quality of the first that works.
import { askForAccess, NoAccess } from "./access.ts";
import { targetOf } from "./candidates.ts";
import { element } from "./elements.ts";
import { pathText, qualityRows } from "./report.ts";
import { networkGrade, PATHS, type Results } from "./results.ts";
import type { Step } from "./step.ts";
import type { Strings } from "./strings/index.ts";

export async function runNetworkStep(step: Step, strings: Strings, results: Results, address: string): Promise<void> {
  step.show("running", strings.networkAsking);
  try {
    const access = await askForAccess(address);
    const { tryPath, NoSignalling } = await import("./network.ts");
    let hasTurn = true;
    for (const path of PATHS) {
      if (path === "turn" && !hasTurn) {
        results.paths.turn = { outcome: "absent", targets: [] };
        continue;
      }
      step.show("running", strings.networkTrying(strings.paths[path]));
      const onMeasuring = results.quality ? null : () => step.show("running", strings.networkMeasuring);
      try {
        const report = await tryPath(path, access, onMeasuring);
        results.paths[path] = { outcome: report.outcome, targets: report.targets };
        results.quality ??= report.quality;
        hasTurn = report.hasTurn;
      } catch (error) {
        if (!(error instanceof NoSignalling)) throw error;
        results.unanswered = targetOf(access.url);
        throw new NoAccess("no-websocket");
      }
      showFindings(step, strings, results);
    }
  } catch (error) {
    if (!(error instanceof NoAccess)) throw error;
    results.portalFault = error.fault;
    if (error.fault === "no-answer") results.unanswered = targetOf(location.origin);
  }
  showFindings(step, strings, results);
  const { grade, text } = networkGrade(results, strings);
  step.show(grade, text);
}

function showFindings(step: Step, strings: Strings, results: Results): void {
  const paths = PATHS.map((path): [string, string] => [
    strings.pathLabels[path],
    pathText(results.paths[path], strings),
  ]);
  const rows = results.portalFault ? [] : [...paths, ...qualityRows(results, strings)];
  const list = element("dl", { className: "test-findings", data: { testid: "network-findings" } });
  for (const [name, value] of rows) list.append(element("dt", {}, name), element("dd", {}, value));
  step.body.replaceChildren(...(rows.length > 0 ? [list] : []));
}
