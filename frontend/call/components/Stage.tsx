import { RoomContext, useRoomContext } from "@livekit/components-react";
import type { Room } from "livekit-client";
import { type ComponentType, type LazyExoticComponent, lazy, Suspense, useEffect, useRef, useState } from "react";
import { useCall, useSession } from "../callcontext.ts";
import { useAsks } from "../hooks/useAsks.ts";
import { useCallNews } from "../hooks/useCallNews.ts";
import { useFocusGuard } from "../hooks/useFocusGuard.ts";
import { useHand } from "../hooks/useHand.ts";
import { useLinkMeter } from "../hooks/useLinkMeter.ts";
import { useMediaControls } from "../hooks/useMediaControls.ts";
import { usePinKey } from "../hooks/usePinKey.ts";
import { useRecovery } from "../hooks/useRecovery.ts";
import { useShortcuts } from "../hooks/useShortcuts.ts";
import { useStageViewState } from "../hooks/useStageViewState.ts";
import { useTogetherParts } from "../hooks/useTogetherParts.ts";
import { useWakeLock } from "../hooks/useWakeLock.ts";
import { type Chords, chordsFromText, chordsToText } from "../keyboard.ts";
import { type PanelName, StageContext } from "../stagecontext.ts";
import { StageViewContext } from "../stageviewcontext.ts";
import { TogetherContext } from "../togethercontext.ts";
import { ControlBar } from "./ControlBar.tsx";
import { HearButton } from "./HearButton.tsx";
import { MediaHints } from "./MediaHints.tsx";
import { ReconnectBanner } from "./ReconnectBanner.tsx";
import { RemoteAudio } from "./RemoteAudio.tsx";
import { SkipLinks } from "./SkipLinks.tsx";
import { StageHeader } from "./StageHeader.tsx";
import { StageTiles } from "./StageTiles.tsx";
import { WaitingNotice } from "./WaitingNotice.tsx";

const loadChat = () => import("./ChatPanel.tsx");
/** After the first pictures; later a slow line would let what one types after the chat's key fall on other keys. */
const CHAT_LOADED_AFTER_MS = 3000;

const PANELS: Record<PanelName, LazyExoticComponent<ComponentType>> = {
  people: lazy(() => import("./PeoplePanel.tsx")),
  chat: lazy(loadChat),
  notices: lazy(() => import("./NoticesPanel.tsx")),
  settings: lazy(() => import("./SettingsPanel.tsx")),
  quality: lazy(() => import("./QualityPanel.tsx")),
};
const PipStage = lazy(() => import("./PipStage.tsx"));
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
  const { roomTitle, strings, preferences, savePreferences, later } = useCall();
  const { phase } = useSession();
  const room = useRoomContext();
  const controls = useMediaControls();
  const [panel, showPanel] = useState<PanelName | null>(null);
  const [isHelpOpen, setIsHelpOpen] = useState(false);
  const [areShortcutsOn, setAreShortcutsOn] = useState(preferences.current.areShortcutsOn);
  const stage = useRef<HTMLElement>(null);
  const view = useStageViewState();
  const pinKey = usePinKey(view);
  const [chords, setChords] = useState(() => chordsFromText(preferences.current.chords));
  const together = useTogetherParts(room, panel);
  const hand = useHand();
  const asks = useAsks(room, controls);
  useLinkMeter();
  useWakeLock();
  useRecovery(controls);
  useCallNews(room, together.news);
  useEffect(() => stage.current?.focus(), []);
  useFocusGuard(stage);
  useEffect(() => later(CHAT_LOADED_AFTER_MS, () => void loadChat().catch(() => {})), [later]);

  const togglePanel = (name: PanelName) => showPanel((open) => (open === name ? null : name));
  const toggleShortcuts = (isOn: boolean) => {
    setAreShortcutsOn(isOn);
    savePreferences({ areShortcutsOn: isOn });
  };
  const chooseChords = (chosen: Chords) => {
    setChords(chosen);
    savePreferences({ chords: chordsToText(chosen) });
  };
  useShortcuts(
    {
      microphone: controls.microphone.toggle,
      camera: controls.camera.toggle,
      share: controls.share.toggle,
      hand: hand.toggle,
      chat: () => togglePanel("chat"),
      people: () => togglePanel("people"),
      pin: pinKey,
      ...asks,
      help: () => setIsHelpOpen(true),
    },
    areShortcutsOn,
    chords,
  );

  const OpenPanel = panel && PANELS[panel];
  const isDimmed = phase.name === "reconnecting" && phase.layer !== "signal";
  return (
    <StageContext.Provider value={{ panel, showPanel, togglePanel }}>
      <TogetherContext.Provider value={together}>
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
              <StageTiles ownShare={controls.share} />
              {OpenPanel && (
                <Suspense fallback={<div className="panel" aria-busy="true" />}>
                  <OpenPanel />
                </Suspense>
              )}
            </div>
            <ControlBar controls={controls} hand={hand} onHelp={() => setIsHelpOpen(true)} />
            <div className="stage__notices">
              <ReconnectBanner />
              <HearButton />
              <MediaHints controls={controls} />
              <WaitingNotice />
            </div>
            <RemoteAudio />
            {view.pip.window && (
              <Suspense fallback={null}>
                <PipStage window={view.pip.window} controls={controls} />
              </Suspense>
            )}
            {isHelpOpen && (
              <Suspense fallback={null}>
                <ShortcutsDialog
                  isOn={areShortcutsOn}
                  onChange={toggleShortcuts}
                  chords={chords}
                  onChords={chooseChords}
                  onClose={() => setIsHelpOpen(false)}
                />
              </Suspense>
            )}
          </section>
        </StageViewContext.Provider>
      </TogetherContext.Provider>
    </StageContext.Provider>
  );
}
