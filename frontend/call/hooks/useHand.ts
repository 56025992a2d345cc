import { useEffect, useRef, useState } from "react";
import { useCall, useSession } from "../callcontext.ts";
import { useHandOrder } from "../togethercontext.ts";
import type { Control } from "./useMediaControls.ts";

export type Hand = Control & {
  /** From 1; 0 while it is down. */
  order: number;
};

/** One's own hand. The portal keeps it; what is shown is what everybody sees. */
export function useHand(): Hand {
  const { api, strings, notices } = useCall();
  const identity = useSession().roomState?.me.identity ?? "";
  const order = useHandOrder(identity);
  const [isBusy, setIsBusy] = useState(false);
  const isUp = order > 0;
  const wanted = useRef(isUp);
  const wasUp = useRef(isUp);

  useEffect(() => {
    if (wasUp.current === isUp) return;
    wasUp.current = isUp;
    const { yourHandIsUp, yourHandIsDown, yourHandWasLowered } = strings.together;
    if (isUp) notices.say(yourHandIsUp(order));
    else if (wanted.current) notices.show(yourHandWasLowered);
    else notices.say(yourHandIsDown);
    wanted.current = isUp;
  }, [isUp, order, notices, strings]);

  const toggle = () => {
    if (isBusy) return;
    wanted.current = !isUp;
    setIsBusy(true);
    api
      .raiseHand(!isUp)
      .catch((error: unknown) => {
        console.warn("the hand was not moved", error);
        wanted.current = isUp;
        notices.show(strings.together.handFailed, "warning");
      })
      .finally(() => setIsBusy(false));
  };
  return { isOn: isUp, isBusy, toggle, order };
}
