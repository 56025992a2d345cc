import { useIsMuted, useParticipantInfo } from "@livekit/components-react";
import { type Participant, Track } from "livekit-client";
import { useCall } from "../callcontext.ts";
import { mayModerate, type Role } from "../contract.ts";
import { Avatar } from "./Avatar.tsx";
import { Icon } from "./Icon.tsx";
import { PersonActions } from "./PersonActions.tsx";
import { VolumeControl } from "./VolumeControl.tsx";

type PersonRowProps = { participant: Participant; role: Role; myRole: Role };

/** One person of the list: name, role, microphone and camera, and a moderator's menu. */
export function PersonRow({ participant, role, myRole }: PersonRowProps) {
  const { strings } = useCall();
  const { name: givenName } = useParticipantInfo({ participant });
  const name = givenName || participant.identity;
  const isMicOn = !useIsMuted({ participant, source: Track.Source.Microphone });
  const isCameraOn = !useIsMuted({ participant, source: Track.Source.Camera });
  const isSharing = !useIsMuted({ participant, source: Track.Source.ScreenShare });
  const mayAct = mayModerate(myRole) && !participant.isLocal && role !== "host";
  return (
    <li className="person" data-testid="person" data-identity={participant.identity} data-name={name} data-role={role}>
      <Avatar identity={participant.identity} name={name} />
      <span className="person__text">
        <span className="person__name">{participant.isLocal ? `${name} (${strings.you})` : name}</span>
        {role !== "participant" && <span className="person__role">{strings.roles[role]}</span>}
      </span>
      <span className="person__media">
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
          media={{ microphone: isMicOn, camera: isCameraOn, screen_share: isSharing }}
        />
      )}
    </li>
  );
}
