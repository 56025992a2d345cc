import { type KeyboardEvent, useState } from "react";
import { useCall } from "../callcontext.ts";
import { chordOf } from "../keyboard.ts";

type ChordButtonProps = { act: string; chord: string; testId: string; onChord: (chord: string) => void };

/** Shows a combination; pressed, it waits for the next one. Escape keeps the old one, Tab goes on. */
export function ChordButton({ act, chord, testId, onChord }: ChordButtonProps) {
  const { strings } = useCall();
  const [isListening, setIsListening] = useState(false);
  const { changeChord, pressChord, pressChordFor } = strings.together;
  const handleKey = (event: KeyboardEvent) => {
    if (!isListening || event.key === "Tab") return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") setIsListening(false);
    const pressed = event.key === "Escape" ? null : chordOf(event.nativeEvent);
    if (pressed === null) return;
    setIsListening(false);
    onChord(pressed);
  };
  return (
    <button
      type="button"
      className="stage-button shortcuts__chord"
      aria-label={isListening ? pressChordFor(act) : changeChord(act, chord)}
      data-testid={testId}
      data-listening={isListening}
      onClick={() => setIsListening(true)}
      onKeyDown={handleKey}
      onBlur={() => setIsListening(false)}
    >
      {isListening ? pressChord : <kbd>{chord}</kbd>}
    </button>
  );
}
