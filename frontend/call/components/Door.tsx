import { useEffect } from "react";
import { useCall, useSession } from "../callcontext.ts";
import { useDoorway } from "../hooks/useDoorway.ts";
import { DoorClosed } from "./DoorClosed.tsx";
import { Preparation } from "./Preparation.tsx";

/** Before the call. Who will not be let in reads so at once; no device is opened for nothing. */
export function Door() {
  const { config, preview } = useCall();
  const { phase } = useSession();
  const doorway = useDoorway(phase.name !== "waiting");
  const refusal = (phase.name === "device-check" && doorway?.refusal) || null;
  const isClosed = refusal !== null;
  useEffect(() => {
    if (isClosed) preview.closeAll();
  }, [isClosed, preview]);
  // Where the door opens or closes under the eyes of who stands before it, the screen is another one.
  const hasChanged = (doorway?.refusal?.code ?? null) !== (config.doorway.refusal?.code ?? null);
  return refusal ? (
    <DoorClosed refusal={refusal} takesFocus={hasChanged} />
  ) : (
    <Preparation doorway={doorway} takesFocus={hasChanged} />
  );
}
