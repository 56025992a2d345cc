import { AudioTrack, useTracks } from "@livekit/components-react";
import { Track } from "livekit-client";
import { useReception } from "../callcontext.ts";

/** Everything there is to hear, whoever is on the visible page; as loud as this person set each one. */
export function RemoteAudio() {
  const { isSoundOff, volumes } = useReception();
  const references = useTracks([Track.Source.Microphone, Track.Source.ScreenShareAudio, Track.Source.Unknown], {
    onlySubscribed: true,
  });
  return (
    <div hidden>
      {references
        .filter(({ participant, publication }) => !participant.isLocal && publication.kind === Track.Kind.Audio)
        .map((reference) => {
          const volume = volumes.get(reference.participant.identity) ?? 1;
          return (
            <AudioTrack
              key={reference.publication.trackSid}
              trackRef={reference}
              volume={volume}
              // Also stops its packets; and iOS knows no volume but this.
              muted={isSoundOff || volume === 0}
              data-testid="remote-audio"
              data-identity={reference.participant.identity}
              data-source={reference.source}
            />
          );
        })}
    </div>
  );
}
