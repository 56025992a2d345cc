import { useRoomContext } from "@livekit/components-react";
import { type LocalTrackPublication, ParticipantEvent, Track, TrackEvent } from "livekit-client";
import { useEffect, useRef } from "react";
import { useCall } from "../callcontext.ts";
import type { MediaControls } from "./useMediaControls.ts";

type Which = "microphone" | "camera";
const WHICH: Partial<Record<Track.Source, Which>> = {
  [Track.Source.Microphone]: "microphone",
  [Track.Source.Camera]: "camera",
};
const SOURCES: Record<Which, Track.Source> = { microphone: Track.Source.Microphone, camera: Track.Source.Camera };
/** livekit opens ended tracks again by itself, and phones give the devices back with a delay. */
const SETTLES_MS = 1000;

/**
 * An incoming call or a locked screen takes microphone and camera from a page behind. When the page is seen again what was on is opened
 * again, and the person is told: people who believe that they are heard are not.
 */
export function useRecovery(controls: MediaControls): void {
  const { strings, notices, later } = useCall();
  const room = useRoomContext();
  const latest = useRef(controls);
  latest.current = controls;

  useEffect(() => {
    const me = room.localParticipant;
    const interrupted = new Set<Which>();
    let cancel = () => {};
    const watch = ({ track, source }: LocalTrackPublication) => {
      const which = WHICH[source];
      if (!which) return;
      track?.on(TrackEvent.Ended, () => {
        if (document.visibilityState === "hidden") interrupted.add(which);
      });
    };
    const publicationOf = (which: Which) => me.getTrackPublication(SOURCES[which]);
    const works = (which: Which) => {
      const publication = publicationOf(which);
      const track = publication?.track?.mediaStreamTrack;
      return publication?.isMuted === false && track?.readyState === "live" && !track.muted;
    };
    const reopen = async (which: Which) => {
      if (!works(which)) {
        // On, but its device gives nothing any more: only off and on opens it anew.
        if (publicationOf(which)?.isMuted === false) await latest.current[which].set(false);
        await latest.current[which].set(true);
      }
      notices.show(
        works(which) ? strings.stage.trackReopened[which] : strings.stage.trackLost[which],
        works(which) ? "info" : "warning",
      );
    };
    const recover = () => {
      cancel();
      if (document.visibilityState !== "visible") return;
      cancel = later(SETTLES_MS, () => {
        for (const which of ["microphone", "camera"] as const) {
          // Phones do not end a track that they take away for a while: it stays muted by the system.
          const isSilenced =
            publicationOf(which)?.isMuted === false && publicationOf(which)?.track?.mediaStreamTrack.muted;
          if (interrupted.delete(which) || isSilenced) void reopen(which);
        }
      });
    };
    for (const publication of me.trackPublications.values()) watch(publication as LocalTrackPublication);
    me.on(ParticipantEvent.LocalTrackPublished, watch);
    document.addEventListener("visibilitychange", recover);
    return () => {
      cancel();
      me.off(ParticipantEvent.LocalTrackPublished, watch);
      document.removeEventListener("visibilitychange", recover);
    };
  }, [room, notices, strings, later]);
}
