import { AudioTrack, useTracks } from "@livekit/components-react";
import { Track } from "livekit-client";

/** Everything there is to hear, whoever is on the visible page. */
export function RemoteAudio() {
  const references = useTracks([Track.Source.Microphone, Track.Source.ScreenShareAudio, Track.Source.Unknown], {
    onlySubscribed: true,
  });
  return (
    <div hidden>
      {references
        .filter(({ participant, publication }) => !participant.isLocal && publication.kind === Track.Kind.Audio)
        .map((reference) => (
          <AudioTrack
            key={reference.publication.trackSid}
            trackRef={reference}
            data-testid="remote-audio"
            data-identity={reference.participant.identity}
            data-source={reference.source}
          />
        ))}
    </div>
  );
}
