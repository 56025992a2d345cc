import type { Room } from "livekit-client";
import { lazy, Suspense, useEffect } from "react";
import { useCall, useSession } from "../callcontext.ts";
import { isBrowserSupported } from "../devices.ts";
import { type FinalName, isOnStage, isPreparing, type Phase } from "../phase.ts";
import { Announcer } from "./Announcer.tsx";
import { Door } from "./Door.tsx";
import { Ending } from "./Ending.tsx";
import { Opening } from "./Opening.tsx";
import { PageFrame } from "./PageFrame.tsx";
import { Toasts } from "./Toasts.tsx";

const loadStage = () => import("./Stage.tsx");
const Stage = lazy(loadStage);

/** The page: what is on screen follows from the phase of the session alone. */
export function App() {
  const { preview } = useCall();
  const { phase, room } = useSession();
  const isSupported = isBrowserSupported();
  const state = isSupported ? phase.name : "unsupported";
  const isStage = isSupported && isOnStage(phase);

  useEffect(() => {
    document.documentElement.dataset.callState = state;
    document.documentElement.dataset.callStage = isStage ? "on" : "off";
  }, [state, isStage]);

  useEffect(() => {
    // The call's own script is large: fetch it while the person looks at the device check.
    const timer = setTimeout(() => void Promise.all([loadStage(), import("../room.ts")]).catch(() => {}), 300);
    return () => clearTimeout(timer);
  }, []);

  useEffect(() => {
    if (isPreparing(phase) || isStage) return;
    preview.closeAll();
  }, [phase, isStage, preview]);

  return (
    <>
      {isStage ? (
        <main id="content">{room ? <StageOrOpening room={room} /> : <Opening />}</main>
      ) : (
        <PageFrame>
          {isSupported && isPreparing(phase) ? <Door /> : <Ending name={endingOf(phase, isSupported)} />}
        </PageFrame>
      )}
      <Toasts />
      <Announcer />
    </>
  );
}

function StageOrOpening({ room }: { room: Room }) {
  return (
    <Suspense fallback={<Opening />}>
      <Stage room={room} />
    </Suspense>
  );
}

function endingOf(phase: Phase, isSupported: boolean): FinalName | "unsupported" {
  return isSupported ? (phase.name as FinalName) : "unsupported";
}
