import {
  isTrackReference,
  type TrackReferenceOrPlaceholder,
  useConnectionQualityIndicator,
  useIsMuted,
  useIsSpeaking,
  useParticipantInfo,
  VideoTrack,
} from "@livekit/components-react";
import { ConnectionQuality, Track } from "livekit-client";
import { useCall } from "../callcontext.ts";
import { Avatar } from "./Avatar.tsx";
import { Icon } from "./Icon.tsx";

/** One person: picture or initials, name, ring while speaking, microphone and link where there is something to say. */
export function Tile({ camera }: { camera: TrackReferenceOrPlaceholder }) {
  const { strings } = useCall();
  const { participant } = camera;
  const isSpeaking = useIsSpeaking(participant);
  const isMicOff = useIsMuted({ participant, source: Track.Source.Microphone });
  const isCameraOff = useIsMuted(camera);
  const { name: givenName } = useParticipantInfo({ participant });
  const { quality } = useConnectionQualityIndicator({ participant });
  const name = givenName || participant.identity;
  const isWeak = quality === ConnectionQuality.Poor || quality === ConnectionQuality.Lost;
  const hasPicture = isTrackReference(camera) && !isCameraOff && camera.publication.track !== undefined;
  const facts = [isMicOff && strings.micOffBadge, isSpeaking && strings.speakingBadge, isWeak && strings.poorLink];
  const label = [strings.tileOf(name), participant.isLocal && strings.you, ...facts].filter(Boolean).join(", ");

  return (
    <figure
      className="tile"
      aria-label={label}
      data-testid="tile"
      data-identity={participant.identity}
      data-name={name}
      data-local={participant.isLocal}
      data-speaking={isSpeaking && !isMicOff}
      data-mic={isMicOff ? "off" : "on"}
      data-camera={hasPicture ? "on" : "off"}
      data-quality={quality}
    >
      {hasPicture ? (
        <VideoTrack
          trackRef={camera}
          className={participant.isLocal ? "tile__video mirrored" : "tile__video"}
          aria-label={strings.tileOf(name)}
          data-testid="tile-video"
          data-identity={participant.identity}
        />
      ) : (
        <Avatar identity={participant.identity} name={name} />
      )}
      <figcaption className="tile__caption">
        {isMicOff && <Icon name="micOff" />}
        {isWeak && <Icon name="weak" />}
        <span className="tile__name">{participant.isLocal ? `${name} (${strings.you})` : name}</span>
      </figcaption>
    </figure>
  );
}
