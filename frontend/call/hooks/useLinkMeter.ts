import { useRoomContext } from "@livekit/components-react";
import type { Room } from "livekit-client";
import { useEffect } from "react";
import { useCall } from "../callcontext.ts";
import { readSample } from "../mediastats.ts";
import type { Measured } from "../qualityrows.ts";

/** Often enough for a report at leaving, also of a page that is closed without a warning. */
const EVERY_MS = 10_000;
/** Until the first packets are there; a call that ends at once has a path, too. */
const UNTIL_KNOWN_MS = 500;
/** All tracks take the same way; the own ones and some of others tell enough of it. */
const MOST_TRACKS = 8;

/** Measures the link over the whole call, for the report at leaving. */
export function useLinkMeter(): void {
  const { linkMeter } = useCall();
  const room = useRoomContext();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const measure = async () => {
      try {
        for (const { sid, sample } of await measureTracks(room, MOST_TRACKS)) linkMeter.note(sid, sample);
      } catch (error) {
        console.warn("the link could not be measured", error);
      }
      const isKnown = linkMeter.figures().path !== "";
      if (!isOver) timer = setTimeout(measure, isKnown ? EVERY_MS : UNTIL_KNOWN_MS);
    };
    timer = setTimeout(measure, UNTIL_KNOWN_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
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
        track && isEnabled ? [{ track, sid: trackSid, source, name: person.name ?? "", isMine: person.isLocal }] : [],
      ),
    )
    .slice(0, most);
  const reports = await Promise.all(publications.map(({ track }) => track.getRTCStatsReport()));
  return publications.flatMap(({ sid, source, name, isMine }, index) => {
    const sample = readSample(reports[index] ?? new Map());
    return sample ? [{ sid, source, name, isMine, sample }] : [];
  });
}
