import { useCall } from "../callcontext.ts";
import { Panel } from "./Panel.tsx";

/** How the connection is, track by track. */
export default function QualityPanel() {
  const { strings } = useCall();
  return (
    <Panel name="quality" title={strings.quality.title}>
      <p>{strings.quality.intro}</p>
    </Panel>
  );
}
