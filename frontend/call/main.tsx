// Entry of the call page: puts the parts together and mounts them in #call-root.
import type { Room } from "livekit-client";
import { createRoot } from "react-dom/client";
import { createRoomApi, hasOwnAuthority, readCsrfToken, sendReport } from "./api.ts";
import { clockLeadMs } from "./callclock.ts";
import { CallContext, type CallParts } from "./callcontext.ts";
import { type CallReport, LinkMeter } from "./callreport.ts";
import { App } from "./components/App.tsx";
import { pageAnsweredAtMs, readCallConfig, websocketAddress } from "./config.ts";
import { takeCopiedLink } from "./copiedlink.ts";
import { deviceFault } from "./devicefault.ts";
import { whyUnreachable } from "./diagnosis.ts";
import { Backgrounds } from "./effects/backgrounds.ts";
import { parseChoice } from "./effects/choice.ts";
import { NoiseFilter, parseNoiseFilter } from "./effects/noisefilter.ts";
import { ownPicture } from "./effects/ownpicture.ts";
import { Notices } from "./notices.ts";
import { loadPreferences, type Preferences, savePreferences } from "./preferences.ts";
import { Preview } from "./preview.ts";
import { Reception } from "./reception.ts";
import { type Later, openRoomSocket, type SocketLike } from "./roomsocket.ts";
import { CallSession } from "./session.ts";
import { stringsFor } from "./strings/index.ts";
import "./styles/index.css";

/** A live region is read when its text changes: it must have been there, empty, before. */
const FIRST_WORDS_AFTER_MS = 1000;

const later: Later = (delayMs, act) => {
  const timer = setTimeout(act, delayMs);
  return () => clearTimeout(timer);
};

function start(root: HTMLElement): void {
  const config = readCallConfig(document);
  const strings = stringsFor(config.locale);
  const api = createRoomApi(config.urls.api, () => readCsrfToken(document));
  const preview = new Preview();
  const notices = new Notices(later);
  const preferences = { current: loadPreferences(localStorage) };
  const wishes = { microphone: preferences.current.isMicrophoneWanted, camera: preferences.current.isCameraWanted };

  const save = (changes: Partial<Preferences>) => {
    preferences.current = { ...preferences.current, ...changes };
    savePreferences(localStorage, preferences.current);
  };
  const remembered = parseChoice(preferences.current.background, ownPicture.address() !== "");
  const backgrounds = new Backgrounds(remembered, (background) => save({ background }));
  const noiseFilter = new NoiseFilter(parseNoiseFilter(preferences.current.noiseFilter), (wanted) =>
    save({ noiseFilter: wanted }),
  );
  noiseFilter.onFail = () => notices.show(strings.media.noiseFilterFailed, "warning");

  const reception = new Reception();

  const linkMeter = new LinkMeter();

  const session = new CallSession<Room>({
    api,
    later,
    now: () => performance.now(),
    tellStay: (stay) => {
      const report: CallReport = { ...stay, ...linkMeter.figures(), browser: navigator.userAgent };
      sendReport(config.urls.api, report);
      if (stay.reason !== "page-closed") linkMeter.reset();
    },
    whyUnreachable: (error) =>
      whyUnreachable(error, {
        isOnline: () => navigator.onLine,
        hasOwnAuthority,
      }),
    openSocket: (handlers) => {
      const address = websocketAddress(config.urls.websocket, location.href);
      return openRoomSocket({ ...handlers, later, create: () => new WebSocket(address) as SocketLike });
    },
    connectMedia: async (access, events) => {
      const { connectRoom } = await import("./room.ts");
      const { audioinput, videoinput } = preview.getSnapshot();
      // Who joined without a device that does not open is not asked for it again at the door.
      if (audioinput.fault) wishes.microphone = false;
      if (videoinput.fault) wishes.camera = false;
      if (reception.getSnapshot().isSoundOff) wishes.microphone = false;
      // Told in the device check, where the person saw their picture without the effect.
      backgrounds.forgetFault();
      const tracks = preview.take();
      const onDeviceError = (error: unknown) => notices.show(strings.deviceFailed[deviceFault(error)], "warning");
      return connectRoom(access, {
        preferences: preferences.current,
        wishes,
        tracks,
        backgrounds,
        events,
        onDeviceError,
      });
    },
  });

  const parts: CallParts = {
    config,
    strings,
    roomTitle: config.room.title,
    clockLeadMs: clockLeadMs(config.now, pageAnsweredAtMs(performance, Date.now())),
    api,
    session,
    preview,
    backgrounds,
    noiseFilter,
    reception,
    linkMeter,
    notices,
    wishes,
    later,
    preferences,
    savePreferences: save,
  };
  addEventListener("pagehide", session.pageHidden);
  createRoot(root).render(
    <CallContext.Provider value={parts}>
      <App />
    </CallContext.Provider>,
  );
  if (takeCopiedLink(sessionStorage, location.pathname)) {
    later(FIRST_WORDS_AFTER_MS, () => notices.show(strings.newLinkCopied));
  }
}

const root = document.getElementById("call-root");
if (root) start(root);
