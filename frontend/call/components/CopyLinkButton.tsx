import { useState } from "react";
import { useCall } from "../callcontext.ts";
import { Icon } from "./Icon.tsx";

/** Puts the room's address on the clipboard. */
export function CopyLinkButton({ testId }: { testId: string }) {
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
    <button type="button" className="stage-button" data-testid={testId} onClick={copy}>
      <Icon name={isCopied ? "check" : "link"} />
      {isCopied ? strings.linkCopied : strings.copyLink}
    </button>
  );
}
