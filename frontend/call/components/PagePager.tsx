import { useCall } from "../callcontext.ts";
import { Icon } from "./Icon.tsx";

/** Turns pages of tiles. Its buttons stay focusable at the ends: a focus that vanishes is worse than a press that does nothing. */
export function PagePager({ page, pages, onPage }: { page: number; pages: number; onPage: (page: number) => void }) {
  const { strings } = useCall();
  const turn = (label: string, icon: "left" | "right", to: number) => (
    <button
      type="button"
      className="icon-button"
      aria-label={label}
      aria-disabled={to < 0 || to >= pages}
      onClick={() => onPage(Math.min(pages - 1, Math.max(0, to)))}
    >
      <Icon name={icon} />
    </button>
  );
  return (
    <nav className="pager" aria-label={strings.page(page + 1, pages)} data-testid="pager">
      {turn(strings.previousPage, "left", page - 1)}
      <span aria-hidden="true">
        {page + 1} / {pages}
      </span>
      {turn(strings.nextPage, "right", page + 1)}
    </nav>
  );
}
