import { useLocalParticipant } from "@livekit/components-react";
import { type CSSProperties, useRef, useState } from "react";
import { useCall } from "../callcontext.ts";
import { useElementSize } from "../hooks/useElementSize.ts";
import { useTileOrder } from "../hooks/useTileOrder.ts";
import { gridLayout } from "../layout.ts";
import { AloneHint } from "./AloneHint.tsx";
import { Icon } from "./Icon.tsx";
import type { Cameras } from "./StageTiles.tsx";
import { Tile } from "./Tile.tsx";

/** Equal 16:9 tiles, as large as fit; more people than stay readable are on further pages. */
export function TileGrid({ cameras }: { cameras: Cameras }) {
  const area = useRef<HTMLDivElement>(null);
  const { width, height } = useElementSize(area);
  const { localParticipant } = useLocalParticipant();
  const [page, setPage] = useState(0);
  const isAlone = cameras.size < 2;
  const layout = gridLayout(cameras.size, width, height);
  const mine = localParticipant.identity;
  const others = [...cameras.keys()].filter((identity) => identity !== mine);
  const order = useTileOrder([mine, ...others], layout.perPage, mine);
  const current = Math.min(page, layout.pages - 1);
  const shown = order.slice(current * layout.perPage, (current + 1) * layout.perPage);
  const style = { "--tile-width": `${layout.tileWidthPx}px`, "--columns": layout.columns } as CSSProperties;
  return (
    <div className="grid" data-testid="tile-grid">
      <div ref={area} className="grid__area">
        {width > 0 && (
          <div className="grid__tiles" style={style}>
            {shown.map((identity) => {
              const camera = cameras.get(identity);
              return camera && <Tile key={identity} camera={camera} />;
            })}
          </div>
        )}
        {isAlone && <AloneHint />}
      </div>
      {layout.pages > 1 && <Pager page={current} pages={layout.pages} onPage={setPage} />}
    </div>
  );
}

function Pager({ page, pages, onPage }: { page: number; pages: number; onPage: (page: number) => void }) {
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
