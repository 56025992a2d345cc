// What the quality panel shows of each track, in the person's language; the same as text to be copied. No DOM, no livekit.
import { type Path, type Rates, ratesBetween, type Sample } from "./mediastats.ts";
import { personName } from "./personname.ts";
import type { Strings } from "./strings/index.ts";

export type Measured = { sid: string; source: string; name: string; isMine: boolean; sample: Sample };
export type Fact = { label: string; text: string };
export type QualityRow = { sid: string; title: string; isSent: boolean; facts: Fact[] };

/** One row per track that moved something between the two measurements; one's own first. */
export function qualityRows(
  before: readonly Measured[],
  after: readonly Measured[],
  locale: string,
  strings: Strings,
): QualityRow[] {
  const earlier = new Map(before.map(({ sid, sample }) => [sid, sample]));
  return after.flatMap(({ sid, source, name, isMine, sample }) => {
    const previous = earlier.get(sid);
    const rates = previous && ratesBetween(previous, sample);
    if (!rates || (rates.kbps === 0 && !isMine)) return [];
    const words = strings.quality.sources;
    const kind = words[source as keyof typeof words] ?? words.unknown;
    const title = `${kind} – ${isMine ? strings.quality.mine : personName(name, strings)}`;
    return [{ sid, title, isSent: isMine, facts: factsOf(rates, sample, locale, strings) }];
  });
}

function factsOf(rates: Rates, sample: Sample, locale: string, strings: Strings): Fact[] {
  const format = (value: number, digits = 0) =>
    new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value);
  const texts = strings.quality;
  const bitrate = rates.kbps >= 1000 ? `${format(rates.kbps / 1000, 1)} Mbit/s` : `${format(rates.kbps)} kbit/s`;
  const facts: (Fact | null)[] = [
    { label: texts.bitrate, text: bitrate },
    sample.width > 0 ? { label: texts.size, text: `${sample.width} × ${sample.height}` } : null,
    rates.fps === null ? null : { label: texts.fps, text: format(rates.fps) },
    rates.lossPercent === null ? null : { label: texts.loss, text: `${format(rates.lossPercent, 1)} %` },
    sample.rttMs === null ? null : { label: texts.rtt, text: `${format(sample.rttMs)} ms` },
    sample.jitterMs === null ? null : { label: texts.jitter, text: `${format(sample.jitterMs)} ms` },
    sample.path === "" ? null : { label: texts.path, text: texts.paths[sample.path] },
  ];
  return facts.filter((fact) => fact !== null);
}

/** The path of the call: the one that most tracks take. */
export function pathOf(measured: readonly Measured[]): Path {
  const paths = measured.map(({ sample }) => sample.path).filter((path) => path !== "");
  const count = (path: Path) => paths.filter((other) => other === path).length;
  return paths.reduce<Path>((best, path) => (count(path) > count(best) ? path : best), "");
}

export function qualityText(rows: readonly QualityRow[], heading: string): string {
  const lines = rows.map(
    ({ title, facts }) => `${title}: ${facts.map(({ label, text }) => `${label} ${text}`).join(", ")}`,
  );
  return [heading, ...lines].join("\n");
}
