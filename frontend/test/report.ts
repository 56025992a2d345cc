// The findings as a text that people send to those who run their network. It holds nothing of the person or their machine's address.
import { named } from "./candidates.ts";
import { PATHS, type PathName, type PathResult, type Results, verdictOf } from "./results.ts";
import type { Strings } from "./strings/index.ts";

export type ReportPlace = { portal: string; time: string };

export function reportOf(results: Results, strings: Strings, { portal, time }: ReportPlace): string {
  const rows: [string, string][] = [
    [strings.reportTime, time],
    [strings.reportPortal, portal],
    [strings.reportVerdict, strings.verdicts[verdictOf(results).reason]],
    [strings.titles.browser, browserText(results, strings)],
    [strings.titles.microphone, deviceText(results.microphone, strings)],
    [strings.reportHeardBack, answerText(results.hearsItself, strings)],
    [strings.titles.camera, deviceText(results.camera, strings)],
    [strings.titles.speaker, answerText(results.hearsSpeaker, strings)],
    ...networkRows(results, strings),
  ];
  return `${strings.reportTitle}\n\n${rows.map(([name, value]) => strings.pair(name, value)).join("\n")}\n`;
}

export function browserText({ browser }: Results, strings: Strings): string {
  if (!browser) return strings.notTested;
  const { name, version, system } = browser.browser;
  const title = name === "" ? strings.browserUnknown : strings.browserName(name, String(version));
  return system === "" ? title : strings.browserOn(title, system);
}

export function pathText(result: PathResult | undefined, strings: Strings): string {
  if (!result) return strings.notTested;
  if (result.outcome === "passed") return strings.pathPassed;
  if (result.outcome === "absent") return strings.pathAbsent;
  const targets = result.targets.map(named).join(", ");
  return targets === "" ? strings.pathBlockedUnnamed : strings.pathBlocked(targets);
}

/** The measured figures with their names, in the words of the page. */
export function qualityRows({ quality }: Results, strings: Strings): [string, string][] {
  if (!quality) return [];
  const { format } = new Intl.NumberFormat(strings.numbers, { maximumFractionDigits: 1 });
  const rows: [string, string][] = [
    [strings.bandwidth, strings.bandwidthValue(format(quality.kbps / 1000))],
    [strings.loss, strings.lossValue(format(quality.lossPercent))],
  ];
  if (quality.roundTripMs !== null) rows.push([strings.roundTrip, strings.roundTripValue(String(quality.roundTripMs))]);
  return rows;
}

function networkRows(results: Results, strings: Strings): [string, string][] {
  const fault = results.portalFault;
  const paths = PATHS.map((path: PathName): [string, string] => [
    strings.pathLabels[path],
    pathText(results.paths[path], strings),
  ]);
  const blocked = results.unanswered ? ` ${strings.blocked(named(results.unanswered))}` : "";
  const first: [string, string][] = fault ? [[strings.titles.network, strings.portalFaults[fault] + blocked]] : [];
  return [...first, ...paths, ...qualityRows(results, strings)];
}

function deviceText(
  device: { fault: keyof Strings["faults"] | null; isHeard?: boolean; width?: number; height?: number } | null,
  strings: Strings,
): string {
  if (!device) return strings.notTested;
  if (device.fault) return `${strings.states.bad} – ${strings.faults[device.fault]}`;
  if (device.isHeard === false) return `${strings.states.limited} – ${strings.microphoneSilent}`;
  return device.width ? `${strings.states.good} (${device.width} × ${device.height})` : strings.states.good;
}

function answerText(answer: boolean | null, strings: Strings): string {
  return answer === null ? strings.notAnswered : answer ? strings.yes : strings.no;
}
