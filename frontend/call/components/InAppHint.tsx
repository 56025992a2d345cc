import { useCall } from "../callcontext.ts";
import { inAppBrowser } from "../inappbrowser.ts";
import { CopyLinkButton } from "./CopyLinkButton.tsx";

/** Inside an app's own browser: how to get out of it, since microphone and camera often do not work there. */
export function InAppHint() {
  const { strings } = useCall();
  const found = inAppBrowser(navigator.userAgent);
  if (!found) return null;
  return (
    <div className="fr-alert fr-alert--warning fr-alert--sm in-app" data-testid="in-app-hint">
      <p>
        <strong>{strings.stage.inApp(found.app, found.instead)}</strong>
      </p>
      <p>{strings.stage.inAppHow(found.instead)}</p>
      <CopyLinkButton testId="in-app-copy-link" />
    </div>
  );
}
