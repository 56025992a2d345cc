// What every component of the page may reach.
import type { Room } from "livekit-client";
import { createContext, useContext, useSyncExternalStore } from "react";
import type { RoomApi } from "./api.ts";
import type { LinkMeter } from "./callreport.ts";
import type { CallConfig } from "./contract.ts";
import type { Backgrounds, BackgroundsSnapshot } from "./effects/backgrounds.ts";
import type { NoiseFilter, NoiseFilterSnapshot } from "./effects/noisefilter.ts";
import type { Notices } from "./notices.ts";
import type { Preferences } from "./preferences.ts";
import type { Preview, PreviewSnapshot } from "./preview.ts";
import type { Reception, ReceptionSnapshot } from "./reception.ts";
import type { Later } from "./roomsocket.ts";
import type { CallSession, Snapshot } from "./session.ts";
import type { Strings } from "./strings/index.ts";
import type { Wishes } from "./wishes.ts";

export type CallParts = {
  config: CallConfig;
  strings: Strings;
  /** The room's name, or what stands for it where the host gave none. */
  roomTitle: string;
  /** How far this machine's clock is ahead of the portal's. */
  clockLeadMs: number;
  api: RoomApi;
  session: CallSession<Room>;
  preview: Preview;
  backgrounds: Backgrounds;
  noiseFilter: NoiseFilter;
  reception: Reception;
  linkMeter: LinkMeter;
  notices: Notices;
  wishes: Wishes;
  later: Later;
  preferences: { current: Preferences };
  savePreferences: (changes: Partial<Preferences>) => void;
};

export const CallContext = createContext<CallParts | null>(null);

export function useCall(): CallParts {
  const parts = useContext(CallContext);
  if (!parts) throw new Error("this component needs CallContext");
  return parts;
}

export function useSession(): Snapshot<Room> {
  const { session } = useCall();
  return useSyncExternalStore(session.subscribe, session.getSnapshot);
}

export function usePreview(): PreviewSnapshot {
  const { preview } = useCall();
  return useSyncExternalStore(preview.subscribe, preview.getSnapshot);
}

export function useBackgrounds(): BackgroundsSnapshot {
  const { backgrounds } = useCall();
  return useSyncExternalStore(backgrounds.subscribe, backgrounds.getSnapshot);
}

export function useNoiseFilter(): NoiseFilterSnapshot {
  const { noiseFilter } = useCall();
  return useSyncExternalStore(noiseFilter.subscribe, noiseFilter.getSnapshot);
}

export function useReception(): ReceptionSnapshot {
  const { reception } = useCall();
  return useSyncExternalStore(reception.subscribe, reception.getSnapshot);
}
