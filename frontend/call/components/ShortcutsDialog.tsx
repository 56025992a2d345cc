import { useCall } from "../callcontext.ts";
import { SHORTCUT_KEYS, type Shortcut } from "../keyboard.ts";
import { Dialog } from "./Dialog.tsx";

type ShortcutsDialogProps = { isOn: boolean; onChange: (isOn: boolean) => void; onClose: () => void };

/** The list of keys, and the switch for people whose speech or tremor presses keys by accident (WCAG 2.1.4). */
export default function ShortcutsDialog({ isOn, onChange, onClose }: ShortcutsDialogProps) {
  const { strings } = useCall();
  return (
    <Dialog name="shortcuts" title={strings.shortcutsTitle} closeLabel={strings.close} onClose={onClose}>
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
    </Dialog>
  );
}
