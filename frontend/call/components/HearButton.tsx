import { useAudioPlayback, useRoomContext } from "@livekit/components-react";
import { useCall } from "../callcontext.ts";
import { Icon } from "./Icon.tsx";

/** Browsers that block sound until a click get that click. */
export function HearButton() {
  const { strings } = useCall();
  const { canPlayAudio, startAudio } = useAudioPlayback(useRoomContext());
  if (canPlayAudio) return null;
  return (
    <div className="banner" role="alert">
      <p>{strings.hearText}</p>
      <button
        type="button"
        className="stage-button stage-button--main"
        data-testid="hear-button"
        onClick={() => void startAudio()}
      >
        <Icon name="speaker" />
        {strings.hearButton}
      </button>
    </div>
  );
}
