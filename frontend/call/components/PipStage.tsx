import {
  isTrackReference,
  type TrackReferenceOrPlaceholder,
  useIsMuted,
  useIsSpeaking,
  useParticipantInfo,
  VideoTrack,
} from "@livekit/components-react";
import { Track } from "livekit-client";
import { useRef, useState } from "react";
import { createPortal } from "react-dom";
import { useCall } from "../callcontext.ts";
import { useElementSize } from "../hooks/useElementSize.ts";
import { useLastSpeaker } from "../hooks/useLastSpeaker.ts";
import type { MediaControls } from "../hooks/useMediaControls.ts";
import { useStageReferences } from "../hooks/useStageReferences.ts";
import { useTileOrder } from "../hooks/useTileOrder.ts";
import { arrange, type Place, tilesPerPage } from "../layout.ts";
import { personName } from "../personname.ts";
import { Avatar } from "./Avatar.tsx";
import { ControlButton } from "./ControlButton.tsx";
import { Icon } from "./Icon.tsx";
import { PagePager } from "./PagePager.tsx";

/** The call in the small window that stays on top of other programs: tiles with pages, microphone, camera, leave. */
export default function PipStage({ window: target, controls }: { window: Window; controls: MediaControls }) {
  return createPortal(<PipContent controls={controls} />, target.document.body);
}

function PipContent({ controls }: { controls: MediaControls }) {
  const { strings, session, roomTitle } = useCall();
  const area = useRef<HTMLDivElement>(null);
  const { width, height } = useElementSize(area);
  const [page, setPage] = useState(0);
  const { shares, cameras } = useStageReferences();
  const speaker = useLastSpeaker();
  const people = [...cameras].filter(([, { participant }]) => !participant.isLocal).map(([identity]) => identity);
  // Alone one still sees oneself.
  const shown = people.length > 0 ? people : [...cameras.keys()];
  const perPage = tilesPerPage(shown.length + shares.size, false, width, height);
  const order = useTileOrder(shown, Math.max(1, perPage - shares.size));
  // In a window with room for one, that one is who speaks.
  const first = perPage === 1 && speaker !== null && order.includes(speaker) ? [speaker] : [];
  const keys = [...shares.keys(), ...first, ...order.filter((identity) => !first.includes(identity))];
  const { places, page: current, pages } = arrange(keys, null, width, height, page);
  return (
    <div id="call-root" className="stage pip" data-testid="pip-stage">
      <h1 className="unseen">{roomTitle}</h1>
      <div ref={area} className="tiles__area">
        {keys.map((key) => {
          const place = places.get(key);
          const reference = shares.get(key) ?? cameras.get(key);
          return place && reference && <PipTile key={key} reference={reference} place={place} />;
        })}
      </div>
      {pages > 1 && <PagePager page={current} pages={pages} onPage={setPage} />}
      <div className="bar pip__bar" role="toolbar" aria-label={strings.controls}>
        <ControlButton
          icon={controls.microphone.isOn ? "mic" : "micOff"}
          label={strings.microphone}
          title={controls.microphone.isOn ? strings.turnMicOff : strings.turnMicOn}
          control={controls.microphone}
          isAlarming={!controls.microphone.isOn}
          testId="pip-mic-button"
        />
        <ControlButton
          icon={controls.camera.isOn ? "camera" : "cameraOff"}
          label={strings.camera}
          title={controls.camera.isOn ? strings.turnCameraOff : strings.turnCameraOn}
          control={controls.camera}
          isAlarming={!controls.camera.isOn}
          testId="pip-camera-button"
        />
        <button
          type="button"
          className="control control--leave"
          title={strings.leave}
          data-testid="pip-leave-button"
          onClick={() => void session.leave()}
        >
          <Icon name="leave" />
          <span className="control__label">{strings.leave}</span>
        </button>
      </div>
    </div>
  );
}

function PipTile({ reference, place }: { reference: TrackReferenceOrPlaceholder; place: Place }) {
  const { strings } = useCall();
  const { participant } = reference;
  const { name: givenName } = useParticipantInfo({ participant });
  const isSpeaking = useIsSpeaking(participant);
  const isMuted = useIsMuted(reference);
  const name = personName(givenName, strings);
  const isShare = reference.source === Track.Source.ScreenShare;
  const label = isShare ? strings.screenOf(name) : strings.tileOf(name);
  const hasTrack = isTrackReference(reference) && !isMuted && reference.publication.track !== undefined;
  return (
    <figure
      className="tile"
      style={place}
      aria-label={label}
      data-speaking={isSpeaking && !isShare}
      data-testid="pip-tile"
    >
      <div className="tile__frame">
        {hasTrack ? (
          <VideoTrack trackRef={reference} className={isShare ? "share__video" : "tile__video"} aria-label={label} />
        ) : (
          <Avatar identity={participant.identity} name={name} />
        )}
        <figcaption className="tile__caption">
          <span className="tile__name">{isShare ? label : name}</span>
        </figcaption>
      </div>
    </figure>
  );
}
