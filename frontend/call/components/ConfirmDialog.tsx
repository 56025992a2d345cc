import { useEffect, useRef } from "react";
import { useCall } from "../callcontext.ts";

type ConfirmDialogProps = { title: string; text: string; act: string; onConfirm: () => void; onClose: () => void };

/** Asks before what cannot be taken back. The browser's own dialog keeps the focus inside and returns it. */
export function ConfirmDialog({ title, text, act, onConfirm, onClose }: ConfirmDialogProps) {
  const { strings } = useCall();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby="confirm-title"
      onClose={onClose}
      data-testid="confirm-dialog"
    >
      <h2 id="confirm-title">{title}</h2>
      <p>{text}</p>
      <div className="dialog__acts">
        <button
          type="button"
          className="stage-button"
          data-testid="confirm-cancel"
          onClick={() => dialog.current?.close()}
        >
          {strings.cancel}
        </button>
        <button
          type="button"
          className="stage-button stage-button--danger"
          data-testid="confirm-button"
          onClick={() => {
            dialog.current?.close();
            onConfirm();
          }}
        >
          {act}
        </button>
      </div>
    </dialog>
  );
}
