import { type TrackReference, VideoTrack } from "@livekit/components-react";
import { useCall } from "../callcontext.ts";
import { Icon } from "./Icon.tsx";

/** A shared screen. One's own is named rather than shown: a mirror in a mirror helps nobody. */
export function ShareTile({ share }: { share: TrackReference }) {
  const { strings } = useCall();
  const { participant } = share;
  const name = participant.name || participant.identity;
  return (
    <figure className="share" data-testid="share-tile" data-identity={participant.identity} data-name={name}>
      {participant.isLocal ? (
        <p className="share__own">
          <Icon name="share" />
          {strings.yourScreen}
        </p>
      ) : (
        <>
          <VideoTrack
            trackRef={share}
            className="share__video"
            aria-label={strings.screenOf(name)}
            data-testid="share-video"
          />
          <figcaption className="tile__caption">
            <Icon name="share" />
            <span className="tile__name">{strings.screenOf(name)}</span>
          </figcaption>
        </>
      )}
    </figure>
  );
}
