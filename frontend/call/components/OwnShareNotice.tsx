import { useCall } from "../callcontext.ts";
import type { Control } from "../hooks/useMediaControls.ts";
import { Icon } from "./Icon.tsx";

/** One's own screen is told, not shown: a mirror in a mirror helps nobody, and the room belongs to the people. */
export function OwnShareNotice({ share }: { share: Control }) {
  const { strings } = useCall();
  return (
    <div className="alone" data-testid="own-share">
      <p>
        <Icon name="share" /> {strings.yourScreen}
      </p>
      <button type="button" className="stage-button" data-testid="own-share-stop" onClick={share.toggle}>
        <Icon name="stopShare" />
        {strings.stopShare}
      </button>
    </div>
  );
}
