import assert from "node:assert/strict";
import { test } from "node:test";
import { inAppBrowser } from "./inappbrowser.ts";

const IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";
const ANDROID = "Mozilla/5.0 (Linux; Android 15; Pixel 9";
const CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/138.0.0.0 Mobile Safari/537.36";

test("browsers proper are left alone", () => {
  for (const userAgent of [
    `${IPHONE} Version/18.5 Mobile/15E148 Safari/604.1`,
    `${IPHONE} CriOS/138.0 Mobile/15E148 Safari/604.1`,
    `${ANDROID}) ${CHROME}`,
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
  ])
    assert.equal(inAppBrowser(userAgent), null, userAgent);
});

test("an app's own view is told, with the browser to open instead", () => {
  assert.deepEqual(inAppBrowser(`${IPHONE} Mobile/15E148 [LinkedInApp]/9.30`), { app: "LinkedIn", instead: "Safari" });
  assert.deepEqual(inAppBrowser(`${IPHONE} Mobile/15E148`), { app: "", instead: "Safari" });
  assert.deepEqual(inAppBrowser(`${ANDROID}; wv) ${CHROME}`), { app: "", instead: "Chrome" });
  assert.deepEqual(inAppBrowser(`${ANDROID}; wv) ${CHROME} Instagram 350.0`), { app: "Instagram", instead: "Chrome" });
});
