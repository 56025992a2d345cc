import { type ReactNode, useEffect, useRef } from "react";
import { Icon } from "./Icon.tsx";

type DialogProps = {
  name: string;
  title: string;
  closeLabel: string;
  acts?: ReactNode;
  onClose: () => void;
  children: ReactNode;
};

/** A question or a list over the page. The browser's own dialog keeps the focus inside and returns it. */
export function Dialog({ name, title, closeLabel, acts, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby={`${name}-title`}
      onClose={onClose}
      data-testid={`${name}-dialog`}
    >
      <div className="dialog__head">
        <h2 id={`${name}-title`}>{title}</h2>
        {!acts && (
          <button
            type="button"
            className="icon-button"
            aria-label={closeLabel}
            data-testid={`${name}-cross`}
            onClick={() => dialog.current?.close()}
          >
            <Icon name="close" />
          </button>
        )}
      </div>
      <div className="dialog__body">{children}</div>
      <div className="dialog__acts">
        <button
          type="button"
          className="stage-button"
          data-testid={`${name}-close`}
          onClick={() => dialog.current?.close()}
        >
          {closeLabel}
        </button>
        {acts}
      </div>
    </dialog>
  );
}
