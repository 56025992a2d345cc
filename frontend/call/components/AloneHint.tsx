import { useState } from "react";
import { useCall } from "../callcontext.ts";
import { Icon } from "./Icon.tsx";

/** For the first one in: how the others get here. */
export function AloneHint() {
  const { strings, notices } = useCall();
  const [isCopied, setIsCopied] = useState(false);
  const copy = () => {
    const address = location.origin + location.pathname;
    navigator.clipboard.writeText(address).then(
      () => {
        setIsCopied(true);
        notices.say(strings.linkCopied);
      },
      // A browser that refuses the clipboard still lets the person copy by hand.
      () => window.prompt(strings.copyLink, address),
    );
  };
  return (
    <div className="alone" data-testid="alone-hint">
      <p>
        <strong>{strings.aloneTitle}</strong> {strings.aloneText}
      </p>
      <button type="button" className="stage-button" data-testid="copy-link" onClick={copy}>
        <Icon name={isCopied ? "check" : "link"} />
        {isCopied ? strings.linkCopied : strings.copyLink}
      </button>
    </div>
  );
}
