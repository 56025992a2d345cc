import type { Room } from "livekit-client";
import { useCall } from "../callcontext.ts";
import { mayModerate } from "../contract.ts";
import { personName } from "../personname.ts";
import type { MediaControls } from "./useMediaControls.ts";

export type Asks = Record<"tellState" | "tellSpeakers" | "tellWaiting", () => void>;

/** What can be asked for by key at any time: seen as a toast, and read aloud. */
export function useAsks(room: Room, controls: MediaControls): Asks {
  const { strings, notices, session } = useCall();
  const { together } = strings;
  return {
    tellState: () => {
      const { hands = [], me } = session.getSnapshot().roomState ?? {};
      const order = hands.indexOf(me?.identity ?? "") + 1;
      const facts = [
        controls.microphone.isOn ? strings.micIsOn : strings.micIsOff,
        controls.camera.isOn ? strings.cameraIsOn : strings.cameraIsOff,
        controls.share.isOn && strings.shareStarted,
        order > 0 && together.yourHandIsUp(order),
      ];
      notices.show(facts.filter(Boolean).join(". "));
    },
    tellSpeakers: () => {
      const names = room.activeSpeakers.map(({ name }) => personName(name, strings));
      notices.show(names.length > 0 ? together.speak(names.join(", ")) : together.nobodySpeaks);
    },
    tellWaiting: () => {
      const { waiting = [], me } = session.getSnapshot().roomState ?? {};
      const names = waiting.map(({ name }) => name);
      if (!me || !mayModerate(me.role)) notices.show(together.waitHidden);
      else notices.show(names.length > 0 ? together.wait(names.join(", ")) : together.nobodyWaits);
    },
  };
}
