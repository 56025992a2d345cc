// One person's way through one room: asks the portal to enter, waits in the lobby, connects the media, comes back after a cut, leaves.
// No DOM and no livekit here: the media room, the socket and the clock are given, so every path is tested without a browser.
import { ApiError, type RoomApi, Unreachable } from "./api.ts";
import { retryDelayMs } from "./backoff.ts";
import { reportReason, type Stay, StayClock } from "./callreport.ts";
import type { ByeReason, RoomState } from "./contract.ts";
import { type FinalName, isOnStage, type Notice, nextPhase, type Phase, type PhaseEvent } from "./phase.ts";
import type { Later } from "./roomsocket.ts";

export type CutCause = "removed" | "ended" | "duplicate" | "lost";

export type MediaEvents = {
  onLinkLost(layer: "signal" | "media"): void;
  onLinkBack(): void;
  onCut(cause: CutCause): void;
};

/** What the session needs of a connected media room; `R` is livekit's Room for the components. */
export type MediaRoom<R> = { room: R; disconnect(): Promise<void> };
export type ConnectMedia<R> = (access: { url: string; token: string }, events: MediaEvents) => Promise<MediaRoom<R>>;

export type SocketHandlers = {
  onState: (state: RoomState) => void;
  onBye: (reason: ByeReason) => void;
  onLost: (attempt: number) => void;
};

export type SessionParts<R> = {
  api: RoomApi;
  openSocket: (handlers: SocketHandlers) => () => void;
  connectMedia: ConnectMedia<R>;
  later: Later;
  now: () => number;
  /** Tells the portal of a stay that is over. */
  tellStay: (stay: Stay) => void;
  /** Why no attempt reached the call, by the last one's error. */
  whyUnreachable: (error: unknown) => Promise<Unreached>;
};

export type Unreached = Extract<FinalName, "unreachable" | "offline" | "untrusted">;

export type Snapshot<R> = {
  phase: Phase;
  roomState: RoomState | null;
  room: R | null;
  /** The stay that is over reached the call: there is something to say about how it was. */
  wasInCall: boolean;
};

/** About 45 s of attempts; then the person is asked, since somebody who waits longer in silence has gone. */
const REJOIN_ATTEMPTS = 8;

/** An engine that puts somebody out although the portal has them admitted is believed after this many times. */
const MOST_CONTESTED_REMOVALS = 3;

type Outcome = FinalName;

/** Refusals of the portal, by their code, that end the journey. */
const OUTCOMES: Record<string, Outcome> = {
  locked: "locked",
  removed: "removed",
  denied: "denied",
  closed: "ended",
  not_found: "not-found",
};

export class CallSession<R> {
  private readonly parts: SessionParts<R>;
  private readonly listeners = new Set<() => void>();
  private snapshot: Snapshot<R> = { phase: { name: "device-check" }, roomState: null, room: null, wasInCall: false };
  private name = "";
  private media: MediaRoom<R> | null = null;
  private closeSocket: (() => void) | null = null;
  private cancelRetry = () => {};
  private contestedRemovals = 0;
  /** This page has ended the call: the end that it hears of is its own. */
  private isEnding = false;
  private readonly stay: StayClock;
  /** The last goodbye, still on its way: entering again must not overtake it. */
  private leaving: Promise<void> = Promise.resolve();
  /** Grows with each journey into the room; an answer that belongs to an older one is dropped. */
  private journey = 0;

  constructor(parts: SessionParts<R>) {
    this.parts = parts;
    this.stay = new StayClock(parts.now);
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  getSnapshot = (): Snapshot<R> => this.snapshot;

  /** Asks to come in under `name`; from the device check, or again after having left. */
  async enter(name: string): Promise<void> {
    this.step({ type: "enter" });
    if (this.snapshot.phase.name !== "entering") return;
    this.name = name;
    this.isEnding = false;
    const journey = ++this.journey;
    try {
      await this.leaving;
      const { state } = await this.parts.api.enter(name);
      if (journey !== this.journey) return;
      this.watchRoom();
      if (state === "waiting") this.step({ type: "waiting" });
      else this.goIn(journey);
    } catch (error) {
      if (journey !== this.journey) return;
      const outcome = outcomeOf(error);
      if (outcome) this.finish(outcome);
      else this.step({ type: "enter-failed", ...noticeOf(error) });
    }
  }

  rejoin = (): Promise<void> => this.enter(this.name);

  restart = (): void => this.step({ type: "restart" });

  /** The person leaves by their own will. The screen changes at once; the portal is told behind it. */
  async leave(): Promise<void> {
    const { phase } = this.snapshot;
    this.step({ type: "leave" });
    if (this.snapshot.phase === phase) return;
    this.leaving = this.hangUp()
      .then(() => this.parts.api.leave())
      // The media room's own events tell the portal of the departure, too.
      .catch((error: unknown) => console.warn("leave was not delivered", error));
    await this.leaving;
  }

  /** Ends the call for everybody. Raises what the portal refuses with; a portal that is away may have done it all the same. */
  async endForAll(): Promise<void> {
    this.isEnding = true;
    try {
      await this.parts.api.actOnRoom("end");
    } catch (error) {
      if (error instanceof ApiError && error.status < 500) this.isEnding = false;
      throw error;
    }
    this.finish("ended");
  }

  /** The page goes away, or sleeps: this may be the last that can be said. */
  pageHidden = (): void => {
    const stay = isOnStage(this.snapshot.phase) ? this.stay.read("page-closed") : null;
    if (stay) this.parts.tellStay(stay);
  };

  private step(event: PhaseEvent): void {
    const before = this.snapshot.phase;
    const phase = nextPhase(before, event);
    if (phase === before) return;
    if (phase.name === "connected") this.stay.connected();
    if (phase.name === "reconnecting" && before.name === "connected") this.stay.linkLost();
    this.publish({ ...this.snapshot, phase });
  }

  private publish(snapshot: Snapshot<R>): void {
    this.snapshot = snapshot;
    for (const listener of this.listeners) listener();
  }

  private watchRoom(): void {
    this.closeSocket?.();
    this.closeSocket = this.parts.openSocket({
      onState: (state) => this.handleState(state),
      onBye: (reason) => this.finish(reason),
      onLost: () => void this.askState(),
    });
  }

  /** The socket is away: learn by HTTP whether that is because we are no longer welcome. */
  private async askState(): Promise<void> {
    const journey = this.journey;
    try {
      const state = await this.parts.api.state();
      if (journey === this.journey) this.handleState(state);
    } catch (error) {
      const outcome = outcomeOf(error);
      if (journey === this.journey && outcome && outcome !== "locked") this.finish(outcome);
      else if (!(error instanceof Unreachable)) console.warn("the room's state could not be read", error);
    }
  }

  private handleState(roomState: RoomState): void {
    this.publish({ ...this.snapshot, roomState });
    const { state } = roomState.me;
    if (roomState.room.isClosed) this.finish("ended");
    else if (state === "removed" || state === "denied") this.finish(state);
    else if (state === "admitted" && this.snapshot.phase.name === "waiting") this.goIn(this.journey);
    else if (state === "left" && this.snapshot.phase.name === "waiting") this.finish("left"); // slept too long, or left in another tab
  }

  private goIn(journey: number): void {
    this.step({ type: "admitted" });
    this.stay.wentIn();
    void this.connect(journey, 0);
  }

  private async connect(journey: number, attempt: number): Promise<void> {
    try {
      const access = await this.parts.api.token();
      if (journey !== this.journey) return;
      const media = await this.parts.connectMedia(access, this.mediaEvents(journey));
      if (journey !== this.journey) {
        await media.disconnect();
        return;
      }
      this.media = media;
      this.publish({ ...this.snapshot, room: media.room });
      this.step({ type: "connected" });
    } catch (error) {
      if (journey === this.journey) this.connectFailed(journey, attempt, error);
    }
  }

  private connectFailed(journey: number, attempt: number, error: unknown): void {
    console.warn("the call could not be reached", error);
    const outcome = outcomeOf(error);
    if (outcome && outcome !== "locked") {
      this.finish(outcome);
    } else if (attempt + 1 >= REJOIN_ATTEMPTS) {
      void this.giveUp(journey, error);
    } else {
      this.step({ type: "link-lost", layer: "rejoin" });
      this.cancelRetry = this.parts.later(retryDelayMs(attempt), () => void this.connect(journey, attempt + 1));
    }
  }

  private async giveUp(journey: number, error: unknown): Promise<void> {
    const outcome = await this.parts.whyUnreachable(error);
    if (journey === this.journey) this.finish(outcome);
  }

  private mediaEvents(journey: number): MediaEvents {
    const current = () => journey === this.journey;
    return {
      onLinkLost: (layer) => current() && this.step({ type: "link-lost", layer }),
      onLinkBack: () => current() && this.step({ type: "link-back" }),
      onCut: (cause) => current() && this.handleCut(journey, cause),
    };
  }

  private handleCut(journey: number, cause: CutCause): void {
    if (cause === "removed") {
      void this.verifyRemoval(journey);
    } else if (cause !== "lost") {
      this.finish(cause);
    } else if (isOnStage(this.snapshot.phase)) {
      this.media = null;
      this.step({ type: "link-lost", layer: "rejoin" });
      void this.connect(journey, 0);
    }
  }

  /** The engine only carries out; who is removed is decided in the portal, so ask it. */
  private async verifyRemoval(journey: number): Promise<void> {
    this.media = null;
    this.step({ type: "link-lost", layer: "rejoin" });
    let outcome: Outcome = "removed";
    try {
      const { me, room } = await this.parts.api.state();
      if (room.isClosed) outcome = "ended";
      else if (me.state === "left" || me.state === "denied") outcome = me.state;
      else if (me.state === "admitted" && ++this.contestedRemovals <= MOST_CONTESTED_REMOVALS) {
        if (journey === this.journey) void this.connect(journey, 0);
        return;
      }
    } catch (error) {
      outcome = outcomeOf(error) ?? "removed";
    }
    if (journey === this.journey) this.finish(outcome);
  }

  private finish(reason: Outcome): void {
    const outcome = reason === "ended" && this.isEnding ? "ended-by-you" : reason;
    this.step({ type: "over", outcome });
    if (this.snapshot.phase.name === outcome) void this.hangUp();
  }

  private async hangUp(): Promise<void> {
    this.journey += 1;
    const stay = this.stay.end(reportReason(this.snapshot.phase.name as FinalName));
    if (stay) this.parts.tellStay(stay);
    this.cancelRetry();
    this.closeSocket?.();
    this.closeSocket = null;
    const media = this.media;
    this.media = null;
    this.publish({ ...this.snapshot, room: null, roomState: null, wasInCall: typeof stay?.joinMs === "number" });
    await media?.disconnect();
  }
}

function outcomeOf(error: unknown): Outcome | null {
  if (!(error instanceof ApiError)) return null;
  if (error.status === 404) return "not-found";
  return OUTCOMES[error.code] ?? null;
}

function noticeOf(error: unknown): { notice: Notice; said?: string } {
  if (error instanceof ApiError) {
    if (error.code === "bad_name") return { notice: "bad-name" };
    // What an organisation lays down (no guests, a full room …): there is a word for each at the portal.
    if (error.status === 403 && error.code !== "") return { notice: "refused", said: error.message };
    return { notice: error.status === 429 ? "too-many" : "server-error" };
  }
  return { notice: error instanceof Unreachable ? "offline" : "server-error" };
}
