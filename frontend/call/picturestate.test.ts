import assert from "node:assert/strict";
import { test } from "node:test";
import { type PictureFacts, pictureState } from "./picturestate.ts";

const FINE: PictureFacts = {
  isMine: false,
  isCameraOn: true,
  hasTrack: true,
  hasPicture: true,
  isPaused: false,
  theirLink: "excellent",
  myLink: "excellent",
  isSoundFirst: false,
};
const of = (facts: Partial<PictureFacts>) => pictureState({ ...FINE, ...facts });

test("a good picture says nothing", () => {
  assert.equal(of({}), "fine");
  assert.equal(of({ theirLink: "unknown", myLink: "good" }), "fine");
});

test("a camera that is off is no fault of a link", () => {
  assert.equal(of({ isCameraOn: false, hasTrack: false, hasPicture: false, myLink: "poor" }), "camera-off");
});

test("until the first picture it is starting", () => {
  assert.equal(of({ hasTrack: false, hasPicture: false }), "starting");
  assert.equal(of({ hasPicture: false }), "starting");
});

test("a picture that the engine holds back is paused for this person's link, not starting", () => {
  assert.equal(of({ isPaused: true, hasPicture: false, myLink: "poor" }), "paused");
});

test("who wants sound first is told why there is no picture, and that a camera is off where it is", () => {
  assert.equal(of({ isSoundFirst: true, hasTrack: false, hasPicture: false }), "sound-first");
  assert.equal(of({ isSoundFirst: true, isCameraOn: false }), "camera-off");
  assert.equal(of({ isSoundFirst: true, isMine: true }), "fine");
});

test("one's own weak link is named before theirs", () => {
  assert.equal(of({ myLink: "poor", theirLink: "poor" }), "your-link");
  assert.equal(of({ theirLink: "poor" }), "their-link");
});

test("who is cut off is told as such, with the camera on or off", () => {
  assert.equal(of({ theirLink: "lost" }), "their-link-lost");
  assert.equal(of({ theirLink: "lost", isCameraOn: false }), "their-link-lost");
});

test("on one's own tile the own link counts, not the way back to oneself", () => {
  assert.equal(of({ isMine: true, hasTrack: false, hasPicture: false }), "fine");
  assert.equal(of({ isMine: true, myLink: "lost" }), "your-own-link");
  assert.equal(of({ isMine: true, isCameraOn: false }), "camera-off");
});
