import { useId, useState } from "react";
import { useCall } from "../callcontext.ts";
import { LEVELS, type Level, levelsFromText, levelsToText, NEWS_KINDS } from "../news.ts";
import type { Preferences } from "../preferences.ts";
import { SOUNDS, type Sound } from "../sounds.ts";

const SOUND_SWITCHES = {
  join: "isJoinSoundOn",
  hand: "isHandSoundOn",
  chat: "isChatSoundOn",
} as const satisfies Record<Sound, keyof Preferences>;

/** Which sounds are played, and how much of what happens is read aloud. Each choice is remembered in this browser. */
export function NewsSettings() {
  const { strings, preferences, savePreferences } = useCall();
  const { together } = strings;
  const [chosen, setChosen] = useState(preferences.current);
  const id = useId();
  const levels = levelsFromText(chosen.announcements);
  const choose = (changes: Partial<Preferences>) => {
    savePreferences(changes);
    setChosen(preferences.current);
  };
  return (
    <>
      <fieldset className="news-settings" aria-describedby={`${id}-sounds`}>
        <legend>{together.soundsTitle}</legend>
        <p id={`${id}-sounds`} className="news-settings__hint">
          {together.soundsHint}
        </p>
        {SOUNDS.map((sound) => (
          <label key={sound} className="switch">
            <input
              type="checkbox"
              checked={chosen[SOUND_SWITCHES[sound]]}
              data-testid={`sound-${sound}`}
              onChange={(event) => choose({ [SOUND_SWITCHES[sound]]: event.target.checked })}
            />
            {together.sounds[sound]}
          </label>
        ))}
      </fieldset>
      <fieldset className="news-settings" aria-describedby={`${id}-levels`}>
        <legend>{together.announcementsTitle}</legend>
        <p id={`${id}-levels`} className="news-settings__hint">
          {together.announcementsHint}
        </p>
        {NEWS_KINDS.map((kind) => (
          <div key={kind} className="news-settings__kind">
            <label htmlFor={`${id}-${kind}`}>{together.kinds[kind]}</label>
            <select
              id={`${id}-${kind}`}
              className="stage-select"
              value={levels[kind]}
              data-testid={`announce-${kind}`}
              onChange={(event) =>
                choose({ announcements: levelsToText({ ...levels, [kind]: event.target.value as Level }) })
              }
            >
              {LEVELS.map((level) => (
                <option key={level} value={level}>
                  {together.levels[level]}
                </option>
              ))}
            </select>
          </div>
        ))}
      </fieldset>
    </>
  );
}
