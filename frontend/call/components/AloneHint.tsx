import { useCall } from "../callcontext.ts";
import { CopyLinkButton } from "./CopyLinkButton.tsx";

/** For the first one in: how the others get here. */
export function AloneHint() {
  const { strings } = useCall();
  return (
    <div className="alone" data-testid="alone-hint">
      <p>
        <strong>{strings.aloneTitle}</strong> {strings.aloneText}
      </p>
      <CopyLinkButton testId="copy-link" />
    </div>
  );
}
