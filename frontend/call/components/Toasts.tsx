import { useSyncExternalStore } from "react";
import { useCall } from "../callcontext.ts";
import { Icon } from "./Icon.tsx";

/** Short messages at the top; the announcer reads them, so this region itself is silent. */
export function Toasts() {
  const { notices, strings } = useCall();
  const { toasts } = useSyncExternalStore(notices.subscribe, notices.getSnapshot);
  if (toasts.length === 0) return null;
  return (
    <section className="toasts" aria-label={strings.notifications}>
      {toasts.map((toast) => (
        <div key={toast.id} className={`toast toast--${toast.tone}`} data-testid="toast">
          <p>{toast.text}</p>
          <button
            type="button"
            className="icon-button"
            aria-label={strings.dismiss}
            onClick={() => notices.dismiss(toast.id)}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
    </section>
  );
}
