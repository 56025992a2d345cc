import { RoomContext } from "@livekit/components-react";
import type { Room } from "livekit-client";
import { type ComponentType, type LazyExoticComponent, lazy, Suspense, useEffect, useRef, useState } from "react";
import { useCall, useSession } from "../callcontext.ts";
import { useCallNews } from "../hooks/useCallNews.ts";
import { useMediaControls } from "../hooks/useMediaControls.ts";
import { useShortcuts } from "../hooks/useShortcuts.ts";
import { useStageViewState } from "../hooks/useStageViewState.ts";
import { type PanelName, StageContext } from "../stagecontext.ts";
import { StageViewContext } from "../stageviewcontext.ts";
import { ControlBar } from "./ControlBar.tsx";
import { HearButton } from "./HearButton.tsx";
import { MediaHints } from "./MediaHints.tsx";
import { ReconnectBanner } from "./ReconnectBanner.tsx";
import { RemoteAudio } from "./RemoteAudio.tsx";
import { SkipLinks } from "./SkipLinks.tsx";
import { StageHeader } from "./StageHeader.tsx";
import { StageTiles } from "./StageTiles.tsx";
import { WaitingNotice } from "./WaitingNotice.tsx";

const PANELS: Record<PanelName, LazyExoticComponent<ComponentType>> = {
  people: lazy(() => import("./PeoplePanel.tsx")),
  settings: lazy(() => import("./SettingsPanel.tsx")),
  quality: lazy(() => import("./QualityPanel.tsx")),
};
const ShortcutsDialog = lazy(() => import("./ShortcutsDialog.tsx"));

/** The call: dark stage, tiles, one side panel at a time, the control bar. */
export default function Stage({ room }: { room: Room }) {
  return (
    <RoomContext.Provider value={room}>
      <StageInRoom />
    </RoomContext.Provider>
  );
}

function StageInRoom() {
  const { roomTitle, strings, preferences, savePreferences } = useCall();
  const { phase } = useSession();
  const controls = useMediaControls();
  const [panel, showPanel] = useState<PanelName | null>(null);
  const [isHelpOpen, setIsHelpOpen] = useState(false);
  const [areShortcutsOn, setAreShortcutsOn] = useState(preferences.current.areShortcutsOn);
  const stage = useRef<HTMLElement>(null);
  const view = useStageViewState();
  useCallNews();
  useEffect(() => stage.current?.focus(), []);

  const togglePanel = (name: PanelName) => showPanel((open) => (open === name ? null : name));
  const toggleShortcuts = (isOn: boolean) => {
    setAreShortcutsOn(isOn);
    savePreferences({ areShortcutsOn: isOn });
  };
  useShortcuts(
    {
      microphone: controls.microphone.toggle,
      camera: controls.camera.toggle,
      share: controls.share.toggle,
      people: () => togglePanel("people"),
      help: () => setIsHelpOpen(true),
    },
    areShortcutsOn,
  );

  const OpenPanel = panel && PANELS[panel];
  const isDimmed = phase.name === "reconnecting" && phase.layer !== "signal";
  return (
    <StageContext.Provider value={{ panel, showPanel, togglePanel }}>
      <StageViewContext.Provider value={view}>
        <section
          ref={stage}
          className="stage"
          tabIndex={-1}
          aria-label={roomTitle}
          data-testid="call-stage"
          data-dimmed={isDimmed}
          data-panel={panel ?? "none"}
        >
          <SkipLinks links={[{ target: "controls", text: strings.skipToControls }]} />
          <StageHeader />
          <div className="stage__middle">
            <StageTiles />
            {OpenPanel && (
              <Suspense fallback={<div className="panel" aria-busy="true" />}>
                <OpenPanel />
              </Suspense>
            )}
          </div>
          <ControlBar controls={controls} onHelp={() => setIsHelpOpen(true)} />
          <div className="stage__notices">
            <ReconnectBanner />
            <HearButton />
            <MediaHints controls={controls} />
            <WaitingNotice />
          </div>
          <RemoteAudio />
          {isHelpOpen && (
            <Suspense fallback={null}>
              <ShortcutsDialog isOn={areShortcutsOn} onChange={toggleShortcuts} onClose={() => setIsHelpOpen(false)} />
            </Suspense>
          )}
        </section>
      </StageViewContext.Provider>
    </StageContext.Provider>
  );
}
