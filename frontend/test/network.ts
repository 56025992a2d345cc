// One way to the media server, tried for real: this browser joins a room twice and sends itself picture and sound. Loaded lazily, with livekit-client.
import {
  ConnectionError,
  ConnectionErrorReason,
  LocalAudioTrack,
  LocalVideoTrack,
  LogLevel,
  Room,
  type RoomOptions,
  setLogLevel,
  Track,
} from "livekit-client";
import type { TestAccess } from "./access.ts";
import { type Quality, qualityOf, type Sample, sampleOf } from "./measure.ts";
import { type Narrowed, narrowConnections } from "./narrowconnection.ts";
import type { PathName, PathResult } from "./results.ts";
import { makeMedia, type TestMedia } from "./testmedia.ts";

/** The websocket to the media server did not open: no path can be tried. */
export class NoSignalling extends Error {}

const CONNECT_WITHIN_MS = 8_000;
const MEDIA_WITHIN_MS = 10_000;
const SAMPLES = 9;
const SAMPLE_EVERY_MS = 1_000;
const ENOUGH_PACKETS = 20;
// Bandwidth estimators begin low and need the seconds that we have; more than this no meeting asks of one camera.
const MAX_BITRATE_BPS = 3_500_000;

const OPTIONS: RoomOptions = {
  adaptiveStream: false,
  dynacast: false,
  singlePeerConnection: false,
  // A test that comes back by itself would say nothing of the way.
  reconnectPolicy: { nextRetryDelayInMs: () => null },
};

// What does not work is what we came to find: the page says it, no error of the client does.
setLogLevel(LogLevel.silent);

export type PathReport = PathResult & { quality: Quality | null; hasTurn: boolean };

/** Raises `NoSignalling`. With `onMeasuring` it goes on for some seconds, after saying so, and tells the quality. */
export async function tryPath(
  path: PathName,
  access: TestAccess,
  onMeasuring: (() => void) | null,
): Promise<PathReport> {
  const narrowed = narrowConnections(path);
  const rooms = [new Room(OPTIONS), new Room(OPTIONS)] as const;
  const media = await makeMedia();
  const report = (hasArrived: boolean, quality: Quality | null): PathReport => ({
    outcome: hasArrived ? "passed" : failure(path, narrowed),
    targets: narrowed.targets(),
    quality,
    hasTurn: narrowed.offeredTurn().length > 0,
  });
  try {
    await connect(rooms, access);
    await publish(rooms[0], media);
    const hasArrived = await arrives(narrowed);
    if (!hasArrived || !onMeasuring) return report(hasArrived, null);
    onMeasuring();
    return report(true, await measure(narrowed));
  } catch (error) {
    if (error instanceof NoSignalling) throw error;
    console.warn(`no way by ${path}`, error);
    return report(false, null);
  } finally {
    media.stop();
    await Promise.allSettled(rooms.map((room) => room.disconnect()));
    narrowed.restore();
  }
}

function failure(path: PathName, narrowed: Narrowed): "blocked" | "absent" {
  // Where the server names nothing of this kind, there is nothing to block.
  return path !== "udp" && narrowed.targets().length === 0 ? "absent" : "blocked";
}

async function connect(rooms: readonly [Room, Room], { url, tokens }: TestAccess): Promise<void> {
  const joins = rooms.map((room, index) =>
    room.connect(url, tokens[index] ?? "", { maxRetries: 0, peerConnectionTimeout: CONNECT_WITHIN_MS }),
  );
  const results = await Promise.allSettled(joins);
  const failed = results.find((result) => result.status === "rejected");
  if (!failed) return;
  if (isAboutSignalling(failed.reason)) throw new NoSignalling(String(failed.reason));
  throw failed.reason;
}

function isAboutSignalling(error: unknown): boolean {
  const reasons = [ConnectionErrorReason.ServerUnreachable, ConnectionErrorReason.WebSocket];
  return error instanceof ConnectionError && reasons.includes(error.reason);
}

async function publish(room: Room, { sound, picture }: TestMedia): Promise<void> {
  const me = room.localParticipant;
  const encoding = { maxBitrate: MAX_BITRATE_BPS, maxFramerate: 24 };
  await Promise.all([
    me.publishTrack(new LocalAudioTrack(sound, undefined, true), { source: Track.Source.Microphone, dtx: false }),
    me.publishTrack(new LocalVideoTrack(picture, undefined, true), {
      source: Track.Source.Camera,
      simulcast: false,
      videoEncoding: encoding,
    }),
  ]);
}

async function arrives(narrowed: Narrowed): Promise<boolean> {
  const deadline = performance.now() + MEDIA_WITHIN_MS;
  while (performance.now() < deadline) {
    if ((await takeSample(narrowed)).packetsReceived >= ENOUGH_PACKETS) return true;
    await pause(200);
  }
  return false;
}

async function measure(narrowed: Narrowed): Promise<Quality | null> {
  const samples: Sample[] = [];
  for (let count = 0; count < SAMPLES; count++) {
    samples.push(await takeSample(narrowed));
    await pause(SAMPLE_EVERY_MS);
  }
  return qualityOf(samples);
}

async function takeSample(narrowed: Narrowed): Promise<Sample> {
  const reports = (await narrowed.reports()).map((report) => {
    const stats: ({ type: string } & Record<string, unknown>)[] = [];
    report.forEach((stat) => {
      stats.push(stat);
    });
    return stats;
  });
  return sampleOf(reports, performance.now());
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
