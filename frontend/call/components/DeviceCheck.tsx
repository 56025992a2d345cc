import { type FormEvent, useRef, useState } from "react";
import { useCall, usePreview, useSession } from "../callcontext.ts";
import type { Doorway } from "../contract.ts";
import type { DeviceLists } from "../hooks/useDevices.ts";
import { BackgroundSection } from "./BackgroundSection.tsx";
import { DeviceSelects } from "./DeviceSelects.tsx";
import { FaultHelp } from "./FaultHelp.tsx";
import { Heading } from "./Heading.tsx";
import { NameField } from "./NameField.tsx";
import { NoticeBox } from "./NoticeBox.tsx";
import { InsideLine, WaitingLine } from "./PeopleLine.tsx";
import type { Choices, PreparationActs } from "./Preparation.tsx";
import { WithoutSound } from "./WithoutSound.tsx";

type DeviceCheckProps = {
  doorway: Doorway | null;
  takesFocus: boolean;
  choices: Choices;
  devices: DeviceLists;
  acts: PreparationActs;
};

/** Who, with which devices, and the large button: nobody joins by accident. */
export function DeviceCheck({ doorway, takesFocus, choices, devices, acts }: DeviceCheckProps) {
  const { config, roomTitle, strings, session, preferences, savePreferences } = useCall();
  const { phase } = useSession();
  const { audioinput, videoinput } = usePreview();
  const [name, setName] = useState(config.me.name || preferences.current.name);
  const [isNameMissing, setIsNameMissing] = useState(false);
  const nameInput = useRef<HTMLInputElement>(null);
  const isEntering = phase.name === "entering";
  const isSilent = !audioinput.track && !videoinput.track && !audioinput.isOpening && !videoinput.isOpening;

  // Kept while it is typed: a change of language shows the page anew.
  const writeName = (typed: string) => {
    setName(typed);
    savePreferences({ name: typed.trim() });
  };
  const join = (event: FormEvent) => {
    event.preventDefault();
    const typed = name.trim();
    setIsNameMissing(typed === "");
    if (typed === "") {
      nameInput.current?.focus();
      return;
    }
    if (!config.me.isSignedIn) savePreferences({ name: typed });
    void session.enter(typed);
  };

  // Who was admitted already is shown who is inside, and walks in.
  const mustWait = config.room.hasLobby && !config.me.isSignedIn && doorway?.inside.view === "nothing";

  return (
    <form className="check" onSubmit={join} noValidate data-testid="device-check">
      <p className="check__room">{roomTitle}</p>
      <Heading takesFocus={takesFocus || (phase.name === "device-check" && phase.notice !== undefined)}>
        {strings.checkTitle}
      </Heading>
      <p className="check__intro">{strings.checkIntro}</p>
      {phase.name === "device-check" && phase.notice && <NoticeBox notice={phase.notice} said={phase.said} />}
      {config.me.isSignedIn ? (
        <p className="check__me" data-testid="signed-in-name">
          {strings.signedInAs(config.me.name)}
        </p>
      ) : (
        <NameField ref={nameInput} value={name} isMissing={isNameMissing} onChange={writeName} />
      )}
      <button type="submit" className="fr-btn fr-btn--lg check__join" data-testid="join-button" disabled={isEntering}>
        {isEntering ? strings.joining : isSilent ? strings.joinSilent : strings.join}
      </button>
      {doorway?.waiting && <WaitingLine waiting={doorway.waiting} />}
      <InsideLine inside={doorway?.inside ?? null} />
      {mustWait && <p className="fr-hint-text">{strings.lobbyHint}</p>}
      <FaultHelp onRetry={acts.retry} />
      <DeviceSelects choices={choices} devices={devices} acts={acts} />
      <BackgroundSection />
      <WithoutSound />
      {!config.me.isSignedIn && (
        <p className="check__sign-in">
          {strings.signInHint} <a href={config.urls.signIn}>{strings.signIn}</a>
        </p>
      )}
    </form>
  );
}
