import { useRoomContext } from "@livekit/components-react";
import type { Room } from "livekit-client";
import { useEffect } from "react";
import { useCall } from "../callcontext.ts";
import { readSample } from "../mediastats.ts";
import type { Measured } from "../qualityrows.ts";

/** Often enough for a report at leaving, also of a page that is closed without a warning. */
const EVERY_MS = 10_000;
/** All tracks take the same way; the own ones and some of others tell enough of it. */
const MOST_TRACKS = 8;

/** Measures the link over the whole call, for the report at leaving. */
export function useLinkMeter(): void {
  const { linkMeter } = useCall();
  const room = useRoomContext();
  useEffect(() => {
    const measure = () => {
      measureTracks(room, MOST_TRACKS).then(
        (tracks) => {
          for (const { sid, sample } of tracks) linkMeter.note(sid, sample);
        },
        (error: unknown) => console.warn("the link could not be measured", error),
      );
    };
    const timer = setInterval(measure, EVERY_MS);
    // The path is known as soon as the first packets are there.
    const first = setTimeout(measure, 2000);
    return () => {
      clearInterval(timer);
      clearTimeout(first);
    };
  }, [room, linkMeter]);
}

/** One sample of each track that is sent or received at the moment, of `most` tracks at the most: each costs the browser a report. */
export async function measureTracks(room: Room, most: number): Promise<Measured[]> {
  const people = [room.localParticipant, ...room.remoteParticipants.values()];
  const publications = people
    .flatMap((person) =>
      [...person.trackPublications.values()].flatMap(({ track, trackSid, source, isEnabled }) =>
        // People of other pages send nothing that could be measured.
        track && isEnabled
          ? [{ track, sid: trackSid, source, name: person.name || person.identity, isMine: person.isLocal }]
          : [],
      ),
    )
    .slice(0, most);
  const reports = await Promise.all(publications.map(({ track }) => track.getRTCStatsReport()));
  return publications.flatMap(({ sid, source, name, isMine }, index) => {
    const sample = readSample(reports[index] ?? new Map());
    return sample ? [{ sid, source, name, isMine, sample }] : [];
  });
}
