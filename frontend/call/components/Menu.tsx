import { type KeyboardEvent, type ReactNode, useEffect, useId, useLayoutEffect, useRef, useState } from "react";

type MenuProps = {
  label: string;
  testId: string;
  buttonClass: string;
  button: ReactNode;
  /** The id of a sentence about what the menu acts on. */
  describedBy?: string | undefined;
  /** The entries: MenuItem, or headings between them. */
  children: (close: () => void) => ReactNode;
};

/** A button with a menu (WAI-ARIA menu button): arrows move, Escape and Tab close, the focus returns to the button. */
export function Menu({ label, testId, buttonClass, button, describedBy, children }: MenuProps) {
  const [isOpen, setIsOpen] = useState(false);
  const id = useId();
  const opener = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);

  useLayoutEffect(() => {
    if (isOpen && list.current) keepOnScreen(list.current);
  }, [isOpen]);

  useEffect(() => {
    if (!isOpen) return;
    const [first] = items(list.current);
    const checked = list.current?.querySelector<HTMLElement>("[aria-checked=true]");
    // A list of choices opens on what is chosen; a menu that has choices among other things, at its start.
    (first?.hasAttribute("aria-checked") ? (checked ?? first) : first)?.focus();
    const handlePress = (event: PointerEvent) => {
      const target = event.target as Node;
      if (!list.current?.contains(target) && !opener.current?.contains(target)) setIsOpen(false);
    };
    document.addEventListener("pointerdown", handlePress);
    return () => document.removeEventListener("pointerdown", handlePress);
  }, [isOpen]);

  const close = () => {
    setIsOpen(false);
    opener.current?.focus();
  };
  const handleKey = (event: KeyboardEvent) => {
    if (event.key === "Escape" || event.key === "Tab") {
      if (event.key === "Escape") event.preventDefault();
      event.stopPropagation();
      close();
      return;
    }
    const all = items(list.current);
    const here = all.indexOf(document.activeElement as HTMLElement);
    const target = {
      ArrowDown: here + 1,
      ArrowRight: here + 1,
      ArrowUp: here - 1,
      ArrowLeft: here - 1,
      Home: 0,
      End: -1,
    }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    all.at(target % all.length)?.focus();
  };

  return (
    <div className="menu-anchor">
      <button
        ref={opener}
        type="button"
        className={buttonClass}
        aria-label={label}
        title={label}
        aria-describedby={describedBy}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        data-testid={testId}
        onClick={() => setIsOpen((open) => !open)}
      >
        {button}
      </button>
      {isOpen && (
        // Tab closes it; a place in the order all the same, since a long menu scrolls on a phone.
        <div ref={list} id={id} className="menu" role="menu" aria-label={label} tabIndex={0} onKeyDown={handleKey}>
          {children(close)}
        </div>
      )}
    </div>
  );
}

const SCREEN_EDGE_PX = 8;

/** Moves the menu by as much as it would reach over the screen's edge. */
function keepOnScreen(list: HTMLElement): void {
  const { left, right, top, bottom } = list.getBoundingClientRect();
  const shift = (low: number, high: number, size: number) =>
    low < SCREEN_EDGE_PX ? SCREEN_EDGE_PX - low : Math.min(0, size - SCREEN_EDGE_PX - high);
  list.style.translate = `${shift(left, right, innerWidth)}px ${shift(top, bottom, innerHeight)}px`;
}

function items(list: HTMLElement | null): HTMLElement[] {
  return [...(list?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];
}

type MenuItemProps = {
  children: ReactNode;
  onChoose: () => void;
  isChecked?: boolean;
  isDanger?: boolean;
  testId?: string;
};

export function MenuItem({ children, onChoose, isChecked, isDanger = false, testId }: MenuItemProps) {
  const role = isChecked === undefined ? { role: "menuitem" } : { role: "menuitemradio", "aria-checked": isChecked };
  return (
    <button
      type="button"
      {...role}
      tabIndex={-1}
      className={`menu__item${isDanger ? " menu__item--danger" : ""}`}
      data-testid={testId}
      onClick={onChoose}
    >
      {children}
    </button>
  );
}
