import { type ReactNode, useEffect, useRef, useState } from "react";
import { useCall } from "../callcontext.ts";
import { focusStage } from "../focus.ts";
import { type PanelName, useStage } from "../stagecontext.ts";
import { Icon } from "./Icon.tsx";

type PanelProps = {
  name: PanelName;
  title: string;
  children: ReactNode;
  foot?: ReactNode;
  /** Where the focus starts; the title where the panel has nothing better. */
  hasOwnFocus?: boolean;
  /** The content scrolls by itself and takes all the height there is. */
  isFilled?: boolean;
  /** Nothing in the content takes the focus: the content itself does, so that it scrolls by key. */
  isReadOnly?: boolean;
};

/** The frame of a side panel (a sheet on a phone): title, close, Escape; the focus comes in and goes back. */
export function Panel(props: PanelProps) {
  const { name, title, children, foot, hasOwnFocus = false, isFilled = false, isReadOnly = false } = props;
  const { strings } = useCall();
  const { showPanel } = useStage();
  const heading = useRef<HTMLHeadingElement>(null);
  // Before anything inside takes the focus.
  const [opener] = useState(() => document.activeElement);

  useEffect(() => {
    if (!hasOwnFocus) heading.current?.focus({ preventScroll: true });
    // Closing gives the focus back, unless the person has moved on.
    return () => {
      if (document.activeElement !== document.body) return;
      if (opener instanceof HTMLElement && opener.isConnected && opener !== document.body) opener.focus();
      else focusStage();
    };
  }, [hasOwnFocus, opener]);

  return (
    <aside
      className="panel"
      aria-label={title}
      data-testid={`${name}-panel`}
      onKeyDown={(event) => {
        if (event.key === "Escape") showPanel(null);
      }}
    >
      <div className="panel__head">
        <h2 ref={heading} tabIndex={-1}>
          {title}
        </h2>
        <button
          type="button"
          className="icon-button"
          aria-label={strings.close}
          data-testid="panel-close"
          onClick={() => showPanel(null)}
        >
          <Icon name="close" />
        </button>
      </div>
      <div
        className={`panel__body${isFilled ? " panel__body--filled" : ""}`}
        {...(isReadOnly && { tabIndex: 0, role: "group", "aria-label": title })}
      >
        {children}
      </div>
      {foot && <div className="panel__foot">{foot}</div>}
    </aside>
  );
}
