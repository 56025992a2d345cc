import { useRoomContext } from "@livekit/components-react";
import { useEffect, useState } from "react";
import { useCall } from "../callcontext.ts";
import { measureTracks } from "../hooks/useLinkMeter.ts";
import { type Measured, pathOf, type QualityRow, qualityRows, qualityText } from "../qualityrows.ts";
import { Icon } from "./Icon.tsx";
import { Panel } from "./Panel.tsx";

const EVERY_MS = 2000;
/** More nobody reads. */
const MOST_TRACKS = 40;

/** How the connection is, track by track; to be read, or copied for who looks after the network. */
export default function QualityPanel() {
  const { strings, config, notices, roomTitle } = useCall();
  const measured = useMeasurements();
  const texts = strings.quality;
  const rows = measured && qualityRows(measured.before, measured.after, config.locale, strings);
  const path = texts.paths[pathOf(measured?.after ?? [])];
  const copy = () => {
    const heading = [roomTitle, new Date().toISOString(), `${texts.pathIs} ${path}`, navigator.userAgent].join("\n");
    navigator.clipboard.writeText(qualityText(rows ?? [], heading)).then(
      () => notices.show(texts.copied),
      (error: unknown) => {
        console.warn("the figures were not copied", error);
        notices.show(texts.copyFailed, "warning");
      },
    );
  };
  const foot = (
    <button type="button" className="stage-button" data-testid="quality-copy" onClick={copy} disabled={!rows}>
      <Icon name="copy" />
      {texts.copy}
    </button>
  );
  return (
    <Panel name="quality" title={texts.title} foot={foot} isReadOnly>
      <p className="quality__intro">{texts.intro}</p>
      {rows ? (
        <>
          <p className="quality__path" data-testid="quality-path" data-path={pathOf(measured?.after ?? [])}>
            {texts.pathIs} <strong>{path}</strong>
          </p>
          <Tracks title={texts.sent} rows={rows.filter(({ isSent }) => isSent)} />
          <Tracks title={texts.received} rows={rows.filter(({ isSent }) => !isSent)} />
        </>
      ) : (
        <p>{texts.measuring}</p>
      )}
    </Panel>
  );
}

function Tracks({ title, rows }: { title: string; rows: readonly QualityRow[] }) {
  if (rows.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      {rows.map(({ sid, title, isSent, facts }) => (
        <section key={sid} className="quality__track" data-testid="quality-track" data-sent={isSent}>
          <h4>{title}</h4>
          <dl>
            {facts.map(({ label, text }) => (
              <div key={label}>
                <dt>{label}</dt>
                <dd>{text}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </>
  );
}

type Measurements = { before: Measured[]; after: Measured[] };

/** The last two measurements, every two seconds; null before there are two. */
function useMeasurements(): Measurements | null {
  const room = useRoomContext();
  const [measurements, setMeasurements] = useState<Measurements | null>(null);
  useEffect(() => {
    let before: Measured[] | null = null;
    let isOver = false;
    const measure = async () => {
      const after = await measureTracks(room, MOST_TRACKS);
      if (isOver) return;
      if (before) setMeasurements({ before, after });
      before = after;
    };
    const attempt = () => measure().catch((error: unknown) => console.warn("nothing was measured", error));
    void attempt();
    const timer = setInterval(attempt, EVERY_MS);
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }, [room]);
  return measurements;
}
