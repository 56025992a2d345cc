import type { ReactNode } from "react";
import { useCall, useSession } from "../callcontext.ts";
import { InAppHint } from "./InAppHint.tsx";
import { Languages } from "./Languages.tsx";
import { SkipLinks } from "./SkipLinks.tsx";

/** The portal's own dress around every screen that is not the stage: a small DSFR header and the main landmark. */
export function PageFrame({ children }: { children: ReactNode }) {
  const { config, strings } = useCall();
  const { phase } = useSession();
  // The page is loaded anew for another language: not while the person is on the way in.
  const mayReload = phase.name !== "entering" && phase.name !== "waiting";
  return (
    <>
      <SkipLinks links={[{ target: "content", text: strings.skipToContent }]} />
      <header className="fr-header frame__header">
        <div className="fr-header__body">
          <div className="fr-container">
            <div className="fr-header__body-row">
              <div className="fr-header__brand fr-enlarge-link">
                <div className="fr-header__brand-top">
                  <div className="fr-header__logo">
                    <p className="fr-logo" lang="fr">
                      République
                      <br />
                      Française
                    </p>
                  </div>
                </div>
                <div className="fr-header__service">
                  <a href={config.urls.home} title={`${strings.backHome} – Visio`}>
                    <p className="fr-header__service-title">Visio</p>
                  </a>
                </div>
              </div>
              {mayReload && <Languages />}
            </div>
          </div>
        </div>
      </header>
      <main id="content" className="fr-container" tabIndex={-1}>
        <InAppHint />
        {children}
      </main>
    </>
  );
}
