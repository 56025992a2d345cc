import { useEffect, useRef } from "react";
import { useCall } from "../callcontext.ts";
import { SHORTCUT_KEYS, type Shortcut } from "../keyboard.ts";

type ShortcutsDialogProps = { isOn: boolean; onChange: (isOn: boolean) => void; onClose: () => void };

/** The list of keys, and the switch for people whose speech or tremor presses keys by accident (WCAG 2.1.4). */
export default function ShortcutsDialog({ isOn, onChange, onClose }: ShortcutsDialogProps) {
  const { strings } = useCall();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby="shortcuts-title"
      onClose={onClose}
      data-testid="shortcuts-dialog"
    >
      <h2 id="shortcuts-title">{strings.shortcutsTitle}</h2>
      <dl className="shortcuts" data-off={!isOn}>
        {(Object.keys(SHORTCUT_KEYS) as Shortcut[]).map((shortcut) => (
          <div key={shortcut}>
            <dt>
              <kbd>{SHORTCUT_KEYS[shortcut]}</kbd>
            </dt>
            <dd>{strings.shortcutNames[shortcut]}</dd>
          </div>
        ))}
      </dl>
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
      <div className="dialog__acts">
        <button
          type="button"
          className="stage-button"
          data-testid="shortcuts-close"
          onClick={() => dialog.current?.close()}
        >
          {strings.close}
        </button>
      </div>
    </dialog>
  );
}
