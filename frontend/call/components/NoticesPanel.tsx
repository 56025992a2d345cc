import { useSyncExternalStore } from "react";
import { useCall } from "../callcontext.ts";
import { chatTimes } from "../chat/times.ts";
import { Icon } from "./Icon.tsx";
import { NewsSettings } from "./NewsSettings.tsx";
import { Panel } from "./Panel.tsx";

/** What was told and has vanished from the screen, the newest first; and what one wants to be told. */
export default function NoticesPanel() {
  const { strings, notices, config } = useCall();
  const { past } = useSyncExternalStore(notices.subscribe, notices.getSnapshot);
  const { time } = chatTimes(config.locale);
  return (
    <Panel name="notices" title={strings.together.notices}>
      {past.length === 0 ? (
        <p className="notices__none">{strings.together.noNotices}</p>
      ) : (
        <ul className="notices" data-testid="notices-list">
          {past.toReversed().map(({ id, text, tone, atMs }) => {
            const at = new Date(atMs).toISOString();
            return (
              <li key={id} className={`notice notice--${tone}`}>
                {tone === "warning" && <Icon name="weak" />}
                <p dir="auto">{text}</p>
                <time dateTime={at}>{time(at)}</time>
              </li>
            );
          })}
        </ul>
      )}
      <NewsSettings />
    </Panel>
  );
}
