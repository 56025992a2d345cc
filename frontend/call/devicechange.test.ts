import assert from "node:assert/strict";
import { test } from "node:test";
import { arrivalIn, type DeviceLists, isGone } from "./devicechange.ts";

const device = (id: string, label = id, groupId = `group-${id}`) => ({ id, label, groupId });
const lists = (changes: Partial<DeviceLists> = {}): DeviceLists => ({
  audioinput: [device("default", "Default"), device("mic")],
  audiooutput: [device("default", "Default"), device("loudspeaker")],
  videoinput: [device("camera")],
  ...changes,
});

test("nothing new is nothing, nor a device that went, nor the system's other default", () => {
  assert.equal(arrivalIn(lists(), lists()), null);
  assert.equal(arrivalIn(lists(), lists({ videoinput: [] })), null);
  const renamed = lists({ audioinput: [device("mic"), device("communications", "Communications")] });
  assert.equal(arrivalIn(lists(), renamed), null);
});

test("a headset is told once, with its microphone and its speaker", () => {
  const before = lists();
  const after = lists({
    audioinput: [...before.audioinput, device("other", "Other"), device("h-in", "Headset", "h")].reverse(),
    audiooutput: [...before.audiooutput, device("x"), device("h-out", "Headset", "h")],
  });
  assert.deepEqual(arrivalIn(before, after), {
    label: "Headset",
    microphoneId: "h-in",
    speakerId: "h-out",
    cameraId: "",
  });
});

test("a camera alone is a camera, a speaker alone is a speaker", () => {
  const before = lists();
  const camera = arrivalIn(before, lists({ videoinput: [...before.videoinput, device("new")] }));
  assert.deepEqual(camera, { label: "new", microphoneId: "", speakerId: "", cameraId: "new" });
  const speaker = arrivalIn(before, lists({ audiooutput: [...before.audiooutput, device("new")] }));
  assert.deepEqual(speaker, { label: "new", microphoneId: "", speakerId: "new", cameraId: "" });
});

test("devices that appear because the person granted them are no news", () => {
  assert.equal(arrivalIn(lists({ audioinput: [], audiooutput: [], videoinput: [] }), lists()), null);
  assert.equal(arrivalIn(lists(), lists({ videoinput: [device("camera"), device("new", "")] })), null);
});

test("a device is gone when it was there", () => {
  assert.equal(isGone("audioinput", "mic", lists(), lists({ audioinput: [] })), true);
  assert.equal(isGone("audioinput", "mic", lists(), lists()), false);
  assert.equal(isGone("audioinput", "never", lists(), lists({ audioinput: [] })), false);
});
