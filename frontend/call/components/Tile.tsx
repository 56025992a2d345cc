import {
  type TrackReference,
  type TrackReferenceOrPlaceholder,
  useIsMuted,
  useIsSpeaking,
  useParticipantInfo,
  VideoTrack,
} from "@livekit/components-react";
import { Track } from "livekit-client";
import { memo, useEffect, useId, useState } from "react";
import { useCall } from "../callcontext.ts";
import { isBackCamera } from "../hooks/useCameraFacing.ts";
import { usePicture } from "../hooks/usePicture.ts";
import type { Place } from "../layout.ts";
import { personName } from "../personname.ts";
import type { PictureState } from "../picturestate.ts";
import { Avatar } from "./Avatar.tsx";
import { Icon, type IconName } from "./Icon.tsx";
import { TileMenu } from "./TileMenu.tsx";
import { TileSigns } from "./TileSigns.tsx";

export type TileProps = { camera: TrackReferenceOrPlaceholder; place: Place; isFocused: boolean };

const STATE_ICONS: Partial<Record<PictureState, IconName>> = {
  paused: "pause",
  "sound-first": "pause",
  "their-link": "weak",
  "their-link-lost": "weak",
  "your-link": "weak",
  "your-own-link": "weak",
};
/** Said on the picture itself, since there is none to look at. */
const SAID_ALOUD: readonly PictureState[] = ["starting", "paused", "sound-first", "their-link-lost"];

/** One person: picture or initials, name, ring while speaking, and what there is to say about microphone, picture and link. */
export const Tile = memo(function Tile({ camera, place, isFocused }: TileProps) {
  const { strings } = useCall();
  const { participant } = camera;
  const isSpeaking = useIsSpeaking(participant);
  const isMicOff = useIsMuted({ participant, source: Track.Source.Microphone });
  const { name: givenName } = useParticipantInfo({ participant });
  const [hasPicture, setHasPicture] = useState(false);
  const { state, isOn, quality } = usePicture(camera, hasPicture);
  const id = useId();
  const name = personName(givenName, strings);
  const icon = STATE_ICONS[state];
  const short = state === "fine" ? "" : strings.stage.picture[state];
  const facts = [isMicOff && strings.micOffBadge, isSpeaking && strings.speakingBadge, short];
  const label = [strings.tileOf(name), participant.isLocal && strings.you, ...facts].filter(Boolean).join(", ");

  return (
    <figure
      className="tile"
      style={place}
      aria-label={label}
      data-testid="tile"
      data-tile-key={participant.identity}
      data-identity={participant.identity}
      data-name={name}
      data-local={participant.isLocal}
      data-focused={isFocused}
      data-speaking={isSpeaking && !isMicOff}
      data-mic={isMicOff ? "off" : "on"}
      data-camera={isOn ? "on" : "off"}
      data-quality={quality}
      data-picture={state}
    >
      <div className="tile__frame">
        {(!isOn || !hasPicture) && <Avatar identity={participant.identity} name={name} />}
        {isOn && <Picture camera={camera as TrackReference} label={strings.tileOf(name)} onShown={setHasPicture} />}
        {SAID_ALOUD.includes(state) && <p className="tile__note">{short}</p>}
        <TileSigns identity={participant.identity} />
        <figcaption className="tile__caption">
          {isMicOff && <Icon name="micOff" />}
          {icon && <Icon name={icon} />}
          <span className="tile__name">{participant.isLocal ? `${name} (${strings.you})` : name}</span>
        </figcaption>
      </div>
      {state !== "fine" && (
        <p id={id} className="tile__why" role="tooltip" data-testid="tile-why">
          {strings.stage.why[state](name)}
        </p>
      )}
      <TileMenu
        tileKey={participant.identity}
        name={name}
        isMine={participant.isLocal}
        mayHide
        describedBy={state === "fine" ? undefined : id}
      />
    </figure>
  );
}, isSameTile);

type PictureProps = { camera: TrackReference; label: string; onShown: (isShown: boolean) => void };

function Picture({ camera, label, onShown }: PictureProps) {
  const { participant } = camera;
  const isMirrored = participant.isLocal && !isBackCamera(camera.publication.track?.mediaStreamTrack);
  useEffect(() => () => onShown(false), [onShown]);
  return (
    <VideoTrack
      trackRef={camera}
      className={isMirrored ? "tile__video mirrored" : "tile__video"}
      aria-label={label}
      data-testid="tile-video"
      data-identity={participant.identity}
      onPlaying={() => onShown(true)}
      onEmptied={() => onShown(false)}
    />
  );
}

/** References are made anew with every event of the room; what they refer to is not. */
function isSameTile(before: TileProps, after: TileProps): boolean {
  return (
    before.camera.participant === after.camera.participant &&
    before.camera.publication === after.camera.publication &&
    before.isFocused === after.isFocused &&
    before.place.left === after.place.left &&
    before.place.top === after.place.top &&
    before.place.width === after.place.width &&
    before.place.height === after.place.height
  );
}
