// What the person wants of microphone and camera, apart from what livekit has: during a cut it has nothing, and the wish decides what comes back.

/** Set by each switch at once, also while no call is there to carry it out; what a moderator turns off follows, so that coming back restores what was. */
export type Wishes = { microphone: boolean; camera: boolean };

/** Carries a wish out, and again where it changed meanwhile: publishing takes seconds, in which nobody may be unable to mute. */
export async function carryOut(wished: () => boolean, turn: (isOn: boolean) => Promise<unknown>): Promise<void> {
  for (;;) {
    const isOn = wished();
    await turn(isOn);
    if (wished() === isOn) return;
  }
}

/** What a switch shows. Without a call, or before the first track is there, livekit's "off" says nothing of what is about to be sent. */
export function isShownOn(isWished: boolean, isReal: boolean, isOnItsWay: boolean): boolean {
  return isOnItsWay ? isWished : isReal;
}
