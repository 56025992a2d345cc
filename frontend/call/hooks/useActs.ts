import { useMemo } from "react";
import { ApiError, type PersonAct, type RoomAct } from "../api.ts";
import { useCall } from "../callcontext.ts";
import type { Role, Source } from "../contract.ts";
import type { Strings } from "../strings/index.ts";

export type Acts = {
  onPerson: (identity: string, act: PersonAct) => void;
  mute: (identity: string, source: Source) => void;
  setRole: (identity: string, role: Role) => void;
  onRoom: (act: RoomAct) => void;
  /** For an act that is on its way already. */
  tell: (act: Promise<void>) => void;
};

/** A moderator's acts. The result is seen when the portal tells of it; a refusal or a failure is told at once. */
export function useActs(): Acts {
  const { api, strings, notices } = useCall();
  return useMemo(() => {
    const tell = (act: Promise<void>) => {
      act.catch((error: unknown) => {
        console.warn("a moderator's act failed", error);
        notices.show(wording(error, strings), "warning");
      });
    };
    return {
      onPerson: (identity, act) => tell(api.actOnPerson(identity, act)),
      mute: (identity, source) => tell(api.mute(identity, source)),
      setRole: (identity, role) => tell(api.setRole(identity, role)),
      onRoom: (act) => tell(api.actOnRoom(act)),
      tell,
    };
  }, [api, strings, notices]);
}

/** A refusal that the portal explains is told in its words, which are in the person's language. */
function wording(error: unknown, strings: Strings): string {
  if (!(error instanceof ApiError)) return strings.actionFailed;
  if (error.code !== "") return error.message;
  return error.status === 403 ? strings.actionRefused : strings.actionFailed;
}
