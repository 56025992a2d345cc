import { useState } from "react";
import { useCall, useSession } from "../callcontext.ts";
import { mayModerate } from "../contract.ts";
import { focusPanelTitle } from "../focus.ts";
import { useActs } from "../hooks/useActs.ts";
import { ConfirmDialog } from "./ConfirmDialog.tsx";
import { CopyLinkButton } from "./CopyLinkButton.tsx";
import { Icon } from "./Icon.tsx";
import { LobbyMessage } from "./LobbyMessage.tsx";

/** The link for everybody; for those who moderate what concerns all: hands, microphones, the door. */
export function PeopleFoot({ count }: { count: number }) {
  const { strings } = useCall();
  const acts = useActs();
  const { roomState } = useSession();
  const { room = { isLocked: false }, hands = [] } = roomState ?? {};
  const isLocked = room.isLocked;
  return (
    <div className="people-foot">
      <CopyLinkButton testId="panel-copy-link" />
      {mayModerate(roomState?.me.role ?? "participant") && (
        <>
          {hands.length > 0 && (
            <button
              type="button"
              className="stage-button"
              data-testid="lower-all-hands"
              onClick={(event) => {
                focusPanelTitle(event.currentTarget);
                acts.onRoom("lower_hands");
              }}
            >
              <Icon name="hand" />
              {`${strings.together.lowerAllHands} (${hands.length})`}
            </button>
          )}
          {count > 1 && <MuteOthers />}
          <LobbyMessage />
          <button
            type="button"
            className="stage-button"
            aria-describedby="lock-hint"
            data-testid={isLocked ? "unlock-button" : "lock-button"}
            onClick={() => acts.onRoom(isLocked ? "unlock" : "lock")}
          >
            <Icon name={isLocked ? "unlock" : "lock"} />
            {isLocked ? strings.unlockRoom : strings.lockRoom}
          </button>
          <p id="lock-hint">{strings.lockHint}</p>
        </>
      )}
    </div>
  );
}

/** Everybody's microphone but one's own and the hosts'. Nobody is unmuted by another, so each turns it on again alone. */
function MuteOthers() {
  const { strings, api, notices } = useCall();
  const [isAsking, setIsAsking] = useState(false);
  const muteAll = async () => {
    try {
      const { muted } = await api.muteOthers();
      notices.show(strings.together.mutedOthers(muted));
    } catch (error) {
      console.warn("microphones were not turned off", error);
      notices.show(strings.actionFailed, "warning");
    }
  };
  return (
    <>
      <button type="button" className="stage-button" data-testid="mute-others" onClick={() => setIsAsking(true)}>
        <Icon name="micOff" />
        {strings.together.muteOthers}
      </button>
      {isAsking && (
        <ConfirmDialog
          title={strings.together.confirmMuteTitle}
          text={strings.together.confirmMuteText}
          act={strings.together.muteOthers}
          onConfirm={() => void muteAll()}
          onClose={() => setIsAsking(false)}
        />
      )}
    </>
  );
}
