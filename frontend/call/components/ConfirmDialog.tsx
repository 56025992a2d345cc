import { useCall } from "../callcontext.ts";
import { Dialog } from "./Dialog.tsx";

type ConfirmDialogProps = { title: string; text: string; act: string; onConfirm: () => void; onClose: () => void };

/** Asks before what cannot be taken back. */
export function ConfirmDialog({ title, text, act, onConfirm, onClose }: ConfirmDialogProps) {
  const { strings } = useCall();
  const confirm = (
    <button
      type="button"
      className="stage-button stage-button--danger"
      data-testid="confirm-button"
      onClick={(event) => {
        event.currentTarget.closest("dialog")?.close();
        onConfirm();
      }}
    >
      {act}
    </button>
  );
  return (
    <Dialog name="confirm" title={title} closeLabel={strings.cancel} acts={confirm} onClose={onClose}>
      <p>{text}</p>
    </Dialog>
  );
}
