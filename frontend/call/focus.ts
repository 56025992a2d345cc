// Where the focus goes when the control that had it is no longer there: never to nowhere.

/** The stage itself: Tab goes on from its start, and shortcuts work. */
export function focusStage(): void {
  document.querySelector<HTMLElement>(".stage")?.focus({ preventScroll: true });
}

/** The title of the panel around `element`. */
export function focusPanelTitle(element: Element): void {
  element.closest(".panel")?.querySelector<HTMLElement>("h2")?.focus({ preventScroll: true });
}
