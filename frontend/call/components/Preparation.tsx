import { useCallback, useEffect, useState } from "react";
import { useCall, useSession } from "../callcontext.ts";
import type { Doorway } from "../contract.ts";
import type { CaptureKind } from "../devices.ts";
import { useDevices } from "../hooks/useDevices.ts";
import { usePermissionGrant } from "../hooks/usePermissionGrant.ts";
import type { Preferences } from "../preferences.ts";
import { DeviceCheck } from "./DeviceCheck.tsx";
import { PreviewPane } from "./PreviewPane.tsx";
import { Waiting } from "./Waiting.tsx";

export type Choices = Pick<
  Preferences,
  "microphoneId" | "cameraId" | "speakerId" | "isMicrophoneWanted" | "isCameraWanted"
>;

/** Device check and lobby: one preview, so that the picture stays while one becomes the other. */
export function Preparation({ doorway, takesFocus }: { doorway: Doorway | null; takesFocus: boolean }) {
  const { preview, preferences, savePreferences, wishes, strings, roomTitle } = useCall();
  const { phase } = useSession();
  const [choices, setChoices] = useState<Choices>(preferences.current);
  const [permission, setPermission] = useState(0);
  const devices = useDevices(permission);

  const openWanted = useCallback(() => {
    const { isMicrophoneWanted, isCameraWanted, microphoneId, cameraId } = preferences.current;
    const opening =
      isMicrophoneWanted && isCameraWanted
        ? preview.openBoth(microphoneId, cameraId)
        : isMicrophoneWanted
          ? preview.open("audioinput", microphoneId)
          : isCameraWanted
            ? preview.open("videoinput", cameraId)
            : Promise.resolve();
    void opening.then(() => setPermission((count) => count + 1));
  }, [preview, preferences]);
  useEffect(openWanted, [openWanted]);
  const repair = useCallback(() => {
    const { audioinput, videoinput } = preview.getSnapshot();
    if (audioinput.fault || videoinput.fault) openWanted();
  }, [preview, openWanted]);
  usePermissionGrant(repair);

  const change = (changes: Partial<Choices>) => {
    const next = { ...choices, ...changes };
    setChoices(next);
    savePreferences(changes);
    wishes.microphone = next.isMicrophoneWanted;
    wishes.camera = next.isCameraWanted;
    return next;
  };

  const reopen = (kind: CaptureKind, next: Choices) => {
    const isMicrophone = kind === "audioinput";
    if (!(isMicrophone ? next.isMicrophoneWanted : next.isCameraWanted)) preview.close(kind);
    else
      void preview
        .open(kind, isMicrophone ? next.microphoneId : next.cameraId)
        .then(() => setPermission((count) => count + 1));
  };

  const acts = {
    choose: (changes: Partial<Choices>, kind: CaptureKind | null) => {
      const next = change(changes);
      if (kind) reopen(kind, next);
    },
    retry: openWanted,
  };
  const isWaiting = phase.name === "waiting";
  return (
    <section className="preparation" aria-label={isWaiting ? strings.waitingTitle : roomTitle}>
      <PreviewPane choices={choices} acts={acts} />
      {isWaiting ? (
        <Waiting choices={choices} devices={devices} acts={acts} />
      ) : (
        <DeviceCheck doorway={doorway} takesFocus={takesFocus} choices={choices} devices={devices} acts={acts} />
      )}
    </section>
  );
}

export type PreparationActs = {
  /** Saves the choice, and opens or closes the device of `kind` accordingly. */
  choose: (changes: Partial<Choices>, kind: CaptureKind | null) => void;
  retry: () => void;
};
