import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, createRoomApi, readCsrfToken, Unreachable } from "./api.ts";

type Sent = { url: string; init: RequestInit };

function apiWith(answer: () => Promise<Response>) {
  const sent: Sent[] = [];
  const api = createRoomApi(
    "/api/rooms/abc-defg-hij/",
    () => "csrf-1",
    (url, init) => {
      sent.push({ url, init });
      return answer();
    },
  );
  return { api, sent };
}

const headersOf = (request: Sent | undefined) => (request?.init.headers ?? {}) as Record<string, string>;
const json = (status: number, body: unknown) => async () => Response.json(body, { status });

test("entering posts the name with the CSRF header to the room's own address", async () => {
  const { api, sent } = apiWith(json(200, { participant: { identity: "i" }, state: "waiting" }));
  assert.equal((await api.enter("Ève")).state, "waiting");
  assert.equal(sent[0]?.url, "/api/rooms/abc-defg-hij/enter");
  assert.equal(sent[0]?.init.method, "POST");
  assert.equal(sent[0]?.init.body, JSON.stringify({ name: "Ève" }));
  assert.equal(headersOf(sent[0])["X-CSRFToken"], "csrf-1");
});

test("a refusal keeps the portal's code, text and status", async () => {
  const { api } = apiWith(json(403, { error: "locked", message: "The room is locked." }));
  await assert.rejects(api.enter("Eve"), (error: unknown) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.status, error.code, error.message], [403, "locked", "The room is locked."]);
    return true;
  });
});

test("an answer that is no JSON (a proxy's error page) is an error with its status, never a crash", async () => {
  const { api } = apiWith(async () => new Response("<h1>Bad gateway</h1>", { status: 502 }));
  await assert.rejects(
    api.state(),
    (error: unknown) => error instanceof ApiError && error.status === 502 && error.code === "",
  );
  const { api: other } = apiWith(async () => new Response("<h1>Wi-Fi login</h1>", { status: 200 }));
  await assert.rejects(other.state(), ApiError);
});

test("no answer at all is told apart from a refusal", async () => {
  const { api } = apiWith(async () => {
    throw new TypeError("Failed to fetch");
  });
  await assert.rejects(api.token(), Unreachable);
});

test("acts on people go to that person's address, whatever is in the identity", async () => {
  const { api, sent } = apiWith(async () => new Response(null, { status: 204 }));
  await api.actOnPerson("a/../b", "remove");
  await api.mute("p1", "screen_share");
  await api.setRole("p1", "moderator");
  await api.actOnRoom("admit_all");
  assert.deepEqual(
    sent.map(({ url, init }) => [url.replace("/api/rooms/abc-defg-hij/", ""), init.body]),
    [
      ["participants/a%2F..%2Fb/remove", "{}"],
      ["participants/p1/mute", '{"source":"screen_share"}'],
      ["participants/p1/role", '{"role":"moderator"}'],
      ["admit_all", "{}"],
    ],
  );
});

test("leaving outlives the page; reading the state sends no CSRF token", async () => {
  const { api, sent } = apiWith(async () => new Response(null, { status: 204 }));
  await api.leave();
  await api.state();
  assert.equal(sent[0]?.init.keepalive, true);
  assert.equal(sent[1]?.init.method, "GET");
  assert.equal("X-CSRFToken" in headersOf(sent[1]), false);
});

test("the CSRF token comes from the cookie, else from the page's hidden field", () => {
  const page = (cookie: string, field: string | null) =>
    ({ cookie, querySelector: () => (field === null ? null : { value: field }) }) as unknown as Document;
  assert.equal(readCsrfToken(page("a=1; visio_csrf=tok%20en; b=2", "field")), "tok en");
  assert.equal(readCsrfToken(page("__Host-visio_csrf=secure", null)), "secure");
  assert.equal(readCsrfToken(page("not_visio_csrf=x", "field")), "field");
  assert.equal(readCsrfToken(page("", null)), "");
});

test("chat, reactions and the hand have their addresses; a message names nobody", async () => {
  const { api, sent } = apiWith(json(200, {}));
  await api.say("Hello", "key-1");
  await api.messages({ after: "12" });
  await api.deleteMessage("7/../8");
  await api.react("clap");
  await api.raiseHand(true);
  assert.deepEqual(
    sent.map(({ url, init }) => [init.method, url.replace("/api/rooms/abc-defg-hij/", ""), init.body]),
    [
      ["POST", "messages", '{"text":"Hello","key":"key-1"}'],
      ["GET", "messages?after=12", undefined],
      ["POST", "messages/7%2F..%2F8/delete", "{}"],
      ["POST", "reactions", '{"reaction":"clap"}'],
      ["POST", "hand", '{"isRaised":true}'],
    ],
  );
});
