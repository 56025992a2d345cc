import { useCall } from "../callcontext.ts";

/** The first thing that Tab reaches: past the header, to what the page is for. Unseen until it has the focus. */
export function SkipLinks({ links }: { links: readonly { target: string; text: string }[] }) {
  const { strings } = useCall();
  return (
    <div className="fr-skiplinks">
      <nav className="fr-container" aria-label={strings.skipLinks}>
        <ul className="fr-skiplinks__list">
          {links.map(({ target, text }) => (
            <li key={target}>
              <a className="fr-link" href={`#${target}`} data-testid={`skip-to-${target}`}>
                {text}
              </a>
            </li>
          ))}
        </ul>
      </nav>
    </div>
  );
}
