import { readCsrfToken } from "../api.ts";
import { useCall } from "../callcontext.ts";
import { LANGUAGE_NAMES } from "../strings/index.ts";

/** The page's language, chosen by hand: the portal keeps it in a cookie and shows the page anew. */
export function Languages() {
  const { config, strings } = useCall();
  return (
    <nav className="languages" aria-label={strings.language}>
      <form method="post" action={config.urls.language}>
        <input type="hidden" name="csrfmiddlewaretoken" value={readCsrfToken(document)} />
        <input type="hidden" name="next" value={location.pathname} />
        {Object.entries(LANGUAGE_NAMES).map(([code, name]) => (
          <button
            key={code}
            type="submit"
            name="language"
            value={code}
            lang={code}
            className="fr-btn fr-btn--tertiary-no-outline fr-btn--sm"
            aria-current={code === config.locale || undefined}
            title={name}
            data-testid={`language-${code}`}
          >
            {code.toUpperCase()}
            <span className="unseen"> – {name}</span>
          </button>
        ))}
      </form>
    </nav>
  );
}
