import { useIsMuted, useParticipantInfo } from "@livekit/components-react";
import { type Participant, Track } from "livekit-client";
import { useCall } from "../callcontext.ts";
import { mayModerate, type Role } from "../contract.ts";
import { focusPanelTitle } from "../focus.ts";
import { useActs } from "../hooks/useActs.ts";
import { personName } from "../personname.ts";
import { useHandOrder } from "../togethercontext.ts";
import { Avatar } from "./Avatar.tsx";
import { Icon } from "./Icon.tsx";
import { PersonActions } from "./PersonActions.tsx";
import { VolumeControl } from "./VolumeControl.tsx";

type PersonRowProps = { participant: Participant; role: Role; myRole: Role };

/** One person of the list: name, role, hand, state of each medium, and a moderator's acts. */
export function PersonRow({ participant, role, myRole }: PersonRowProps) {
  const { strings } = useCall();
  const { name: givenName } = useParticipantInfo({ participant });
  const name = personName(givenName, strings);
  const isMicOn = !useIsMuted({ participant, source: Track.Source.Microphone });
  const isCameraOn = !useIsMuted({ participant, source: Track.Source.Camera });
  const isSharing = !useIsMuted({ participant, source: Track.Source.ScreenShare });
  const isShareHeard = !useIsMuted({ participant, source: Track.Source.ScreenShareAudio });
  const mayAct = mayModerate(myRole) && !participant.isLocal && role !== "host";
  return (
    <li className="person" data-testid="person" data-identity={participant.identity} data-name={name} data-role={role}>
      <Avatar identity={participant.identity} name={name} />
      <span className="person__text">
        <span className="person__name">
          <bdi>{name}</bdi>
          {participant.isLocal && ` (${strings.you})`}
        </span>
        {role !== "participant" && <span className="person__role">{strings.roles[role]}</span>}
      </span>
      <span className="person__acts">
        <PersonHand
          identity={participant.identity}
          name={name}
          mayLower={mayModerate(myRole) && !participant.isLocal}
        />
        <span className="person__media">
          {isSharing && (
            <>
              <Icon name="share" />
              <span className="unseen">{strings.together.sharesScreen}</span>
            </>
          )}
          <Icon name={isMicOn ? "mic" : "micOff"} />
          <span className="unseen">{isMicOn ? strings.micIsOn : strings.micIsOff}</span>
          <Icon name={isCameraOn ? "camera" : "cameraOff"} />
          <span className="unseen">{isCameraOn ? strings.cameraIsOn : strings.cameraIsOff}</span>
        </span>
        {!participant.isLocal && <VolumeControl identity={participant.identity} name={name} />}
        {mayAct && (
          <PersonActions
            identity={participant.identity}
            name={name}
            role={role}
            mayGiveRoles={myRole === "host"}
            media={{ microphone: isMicOn, camera: isCameraOn, screen_share: isSharing || isShareHeard }}
          />
        )}
      </span>
    </li>
  );
}

/** The place in the order of hands; for who moderates it is the button that lowers it. */
function PersonHand({ identity, name, mayLower }: { identity: string; name: string; mayLower: boolean }) {
  const { strings } = useCall();
  const acts = useActs();
  const order = useHandOrder(identity);
  if (order === 0) return null;
  if (!mayLower) {
    return (
      <span className="person__hand" data-testid={`hand-${identity}`} data-order={order}>
        <Icon name="hand" />
        <span aria-hidden="true">{order}</span>
        <span className="unseen">{strings.together.handUp(order)}</span>
      </span>
    );
  }
  return (
    <button
      type="button"
      className="stage-button person__hand"
      title={strings.together.lowerHandOf(name)}
      aria-label={`${strings.together.lowerHandOf(name)} (${strings.together.handUp(order)})`}
      data-testid={`lower-hand-${identity}`}
      data-order={order}
      onClick={(event) => {
        focusPanelTitle(event.currentTarget);
        acts.onPerson(identity, "lower_hand");
      }}
    >
      <Icon name="hand" />
      {order}
    </button>
  );
}
