import { useState } from "react";
import { useCall } from "../callcontext.ts";
import {
  type ChordRefusal,
  type Chords,
  chordRefusal,
  DEFAULT_CHORDS,
  SHORTCUT_KEYS,
  SHORTCUTS,
  type Shortcut,
} from "../keyboard.ts";
import type { Strings } from "../strings/index.ts";
import { ChordButton } from "./ChordButton.tsx";
import { Dialog } from "./Dialog.tsx";

type ShortcutsDialogProps = {
  isOn: boolean;
  onChange: (isOn: boolean) => void;
  chords: Chords;
  onChords: (chords: Chords) => void;
  onClose: () => void;
};

/** The list of keys; the switch for people whose speech or tremor presses keys by accident (WCAG 2.1.4); own combinations. */
export default function ShortcutsDialog({ isOn, onChange, chords, onChords, onClose }: ShortcutsDialogProps) {
  const { strings } = useCall();
  const { together } = strings;
  // Said here, since what is behind an open dialog is silent.
  const [answer, setAnswer] = useState("");
  const choose = (shortcut: Shortcut, chord: string) => {
    const refused = chordRefusal(shortcut, chord, chords);
    const name = shortcutName(shortcut, strings);
    setAnswer(refused ? refusalText(refused, chord, strings) : together.chordChanged(name, chord));
    if (!refused) onChords({ ...chords, [shortcut]: chord });
  };
  return (
    <Dialog name="shortcuts" title={strings.shortcutsTitle} closeLabel={strings.close} onClose={onClose}>
      <table className="shortcuts" data-off={!isOn}>
        <thead>
          <tr>
            <th scope="col">{together.act}</th>
            <th scope="col">{together.singleKey}</th>
            <th scope="col">{together.chord}</th>
          </tr>
        </thead>
        <tbody>
          {SHORTCUTS.map((shortcut) => (
            <tr key={shortcut}>
              <th scope="row">{shortcutName(shortcut, strings)}</th>
              <td>
                <kbd className="shortcuts__single">{SHORTCUT_KEYS[shortcut]}</kbd>
              </td>
              <td>
                <ChordButton
                  act={shortcutName(shortcut, strings)}
                  chord={chords[shortcut]}
                  testId={`chord-${shortcut}`}
                  onChord={(chord) => choose(shortcut, chord)}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p role="alert" className="shortcuts__answer" data-testid="chord-answer">
        {answer}
      </p>
      <label className="switch">
        <input
          type="checkbox"
          checked={isOn}
          data-testid="shortcuts-switch"
          onChange={(event) => onChange(event.target.checked)}
        />
        {strings.shortcutsOn}
      </label>
      <p className="dialog__hint">{strings.shortcutsHint}</p>
      <p className="dialog__hint">{together.chordsHint}</p>
      <button
        type="button"
        className="stage-button shortcuts__reset"
        data-testid="chords-reset"
        onClick={() => {
          setAnswer("");
          onChords({ ...DEFAULT_CHORDS });
        }}
      >
        {together.resetChords}
      </button>
    </Dialog>
  );
}

export function shortcutName(shortcut: Shortcut, { shortcutNames, together, chat, stage }: Strings): string {
  return { ...shortcutNames, ...together.askNames, chat: chat.shortcutName, pin: stage.pinKey }[shortcut];
}

function refusalText(refusal: ChordRefusal, chord: string, strings: Strings): string {
  const { chordTaken, chordReserved, chordForm } = strings.together;
  if (refusal.reason === "taken") return chordTaken(chord, shortcutName(refusal.by, strings));
  return refusal.reason === "reserved" ? chordReserved(chord) : chordForm(chord);
}
