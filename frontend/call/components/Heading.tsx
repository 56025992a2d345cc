import { type ReactNode, useEffect, useRef } from "react";

/** The title of a screen. It takes the focus when the screen appears, so that keyboard and screen reader start where the eyes do. */
export function Heading({ children, takesFocus = true }: { children: ReactNode; takesFocus?: boolean }) {
  const ref = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (!takesFocus) return;
    // Another screen begins at its top, however far the last one was scrolled.
    scrollTo(0, 0);
    ref.current?.focus({ preventScroll: true });
  }, [takesFocus]);
  return (
    <h1 ref={ref} tabIndex={-1} className="fr-h3 screen-title">
      {children}
    </h1>
  );
}
