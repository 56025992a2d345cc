import { useRoomContext } from "@livekit/components-react";
import { type ReactNode, useId, useState } from "react";
import { useCall, useNoiseFilter, useReception } from "../callcontext.ts";
import { canChooseSpeaker, type DeviceKind } from "../devices.ts";
import type { NoiseFilterName } from "../effects/noisefilter.ts";
import { useDevices } from "../hooks/useDevices.ts";
import { useMicrophoneTrack } from "../hooks/useMicrophoneWatch.ts";
import { REMEMBERED_AS, useSwitchDevice } from "../hooks/useSwitchDevice.ts";
import BackgroundChooser from "./BackgroundChooser.tsx";
import { DeviceSelect } from "./DeviceSelect.tsx";
import { SpeakerTest } from "./DeviceSelects.tsx";
import { LevelMeter } from "./LevelMeter.tsx";
import { Panel } from "./Panel.tsx";

/** Devices, filters and habits of picture and sound, during the call. */
export default function SettingsPanel() {
  const { strings, reception } = useCall();
  const { isVideoOff, isSoundOff } = useReception();
  const { track, version } = useMicrophoneTrack();
  const texts = strings.media;
  return (
    <Panel name="settings" title={texts.settings}>
      <h3>{texts.sound}</h3>
      <DeviceChoice kind="audioinput" id="microphone" label={strings.microphone} />
      <LevelMeter key={version} track={track && !track.isMuted ? track.mediaStreamTrack : null} />
      {canChooseSpeaker() && <DeviceChoice kind="audiooutput" id="speaker" label={strings.speaker} hasTest />}
      <NoiseChoice />
      <Habit name="isPushToTalkOn" testId="push-to-talk" label={texts.pushToTalk} hint={texts.pushToTalkHint} />
      <Habit
        name="isMutedSpeechTold"
        testId="muted-speech-switch"
        label={texts.mutedSpeechSwitch}
        hint={texts.mutedSpeechSwitchHint}
      />
      <Switch
        testId="without-sound"
        label={texts.withoutSound}
        hint={texts.withoutSoundHint}
        isOn={isSoundOff}
        onChange={(isOn) => reception.setSoundOff(isOn)}
      />
      <h3>{texts.picture}</h3>
      <DeviceChoice kind="videoinput" id="camera" label={strings.camera} />
      <Switch
        testId="sound-first"
        label={texts.soundFirst}
        hint={texts.soundFirstHint}
        isOn={isVideoOff}
        onChange={(isOn) => reception.setVideoOff(isOn)}
      />
      <BackgroundChooser />
    </Panel>
  );
}

type DeviceChoiceProps = { kind: DeviceKind; id: string; label: string; hasTest?: boolean };

function DeviceChoice({ kind, id, label, hasTest = false }: DeviceChoiceProps) {
  const { preferences } = useCall();
  const devices = useDevices(useRoomContext());
  const switchDevice = useSwitchDevice();
  const [value, setValue] = useState(preferences.current[REMEMBERED_AS[kind]]);
  const choose = (chosen: string) => {
    setValue(chosen);
    void switchDevice(kind, chosen);
  };
  return (
    <>
      <DeviceSelect id={id} label={label} devices={devices[kind]} value={value} onChange={choose} />
      {hasTest && <SpeakerTest speakerId={value} />}
    </>
  );
}

function NoiseChoice() {
  const { strings, noiseFilter } = useCall();
  const { wanted, running } = useNoiseFilter();
  const name = useId();
  const texts = strings.media;
  return (
    <fieldset className="choices" data-testid="noise-filter" data-running={running}>
      <legend>{texts.noiseFilter}</legend>
      {(Object.keys(texts.noiseFilters) as NoiseFilterName[]).map((filter) => (
        <label key={filter} className="choice">
          <input
            type="radio"
            name={name}
            value={filter}
            checked={wanted === filter}
            data-testid={`noise-${filter}`}
            onChange={() => noiseFilter.choose(filter)}
          />
          {texts.noiseFilters[filter]}
        </label>
      ))}
      <p className="choices__hint">{texts.noiseFilterHint}</p>
    </fieldset>
  );
}

type HabitProps = { name: "isPushToTalkOn" | "isMutedSpeechTold"; testId: string; label: string; hint: string };

function Habit({ name, ...props }: HabitProps) {
  const { preferences, savePreferences } = useCall();
  const [isOn, setIsOn] = useState(preferences.current[name]);
  const change = (next: boolean) => {
    setIsOn(next);
    savePreferences({ [name]: next });
  };
  return <Switch {...props} isOn={isOn} onChange={change} />;
}

type SwitchProps = { testId: string; label: ReactNode; hint: string; isOn: boolean; onChange: (isOn: boolean) => void };

function Switch({ testId, label, hint, isOn, onChange }: SwitchProps) {
  const id = useId();
  return (
    <div className={`choice choice--switch choice--${testId}`}>
      <input
        id={id}
        type="checkbox"
        checked={isOn}
        aria-describedby={`${id}-hint`}
        data-testid={testId}
        onChange={(event) => onChange(event.target.checked)}
      />
      <label htmlFor={id}>{label}</label>
      <p id={`${id}-hint`} className="choices__hint">
        {hint}
      </p>
    </div>
  );
}
