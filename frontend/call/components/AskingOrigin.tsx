import { useCall } from "../callcontext.ts";
import type { WaitingPerson } from "../contract.ts";

/** Of somebody who waits: what the portal knows of them beside the name, which anybody may give themselves. */
export function AskingOrigin({ person: { isGuest, origin } }: { person: WaitingPerson }) {
  const { strings } = useCall();
  if (isGuest) return strings.guest;
  if (origin === "") return strings.doorway.withAccount;
  return (
    <>
      {strings.doorway.withAccount} · <bdi>{origin}</bdi>
    </>
  );
}
