import { useConnectionQualityIndicator, useLocalParticipant, useParticipants } from "@livekit/components-react";
import { ConnectionQuality } from "livekit-client";
import { useCall, useSession } from "../callcontext.ts";
import { CallTimer } from "./CallTimer.tsx";
import { Icon } from "./Icon.tsx";

export function StageHeader() {
  const { roomTitle, strings } = useCall();
  const { roomState } = useSession();
  const count = useParticipants().length;
  const { localParticipant } = useLocalParticipant();
  const { quality } = useConnectionQualityIndicator({ participant: localParticipant });
  const isWeak = quality === ConnectionQuality.Poor || quality === ConnectionQuality.Lost;
  return (
    <header className="stage__header">
      <h1 className="stage__title">{roomTitle}</h1>
      <CallTimer />
      {roomState?.room.isLocked && (
        <span className="stage__fact stage__fact--sign" data-testid="room-locked">
          <Icon name="lock" />
          <span>{strings.roomLocked}</span>
        </span>
      )}
      {isWeak && (
        <span className="stage__fact stage__fact--sign stage__fact--weak" data-testid="own-link-weak">
          <Icon name="weak" />
          <span>{strings.stage.picture["your-own-link"]}</span>
        </span>
      )}
      <span className="stage__fact stage__fact--end" data-testid="people-count" data-count={count}>
        <Icon name="people" />
        <span>{strings.peopleCount(count)}</span>
      </span>
    </header>
  );
}
