import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, type ChatRange, Unreachable } from "../api.ts";
import type { ChatHistory, ChatMessage } from "../contract.ts";
import { ChatLog } from "./chatlog.ts";

const message = (id: number, changes: Partial<ChatMessage> = {}): ChatMessage => ({
  id: String(id),
  identity: "bob",
  name: "Bob",
  role: "participant",
  text: `text ${id}`,
  sentAt: "2026-11-24T10:14:00.000Z",
  ...changes,
});
const history = (messages: ChatMessage[], hasMore = false, deleted: string[] = []): ChatHistory => ({
  messages,
  hasMore,
  deleted,
});

function harness(pages: (range: ChatRange) => ChatHistory = () => history([])) {
  const news: string[] = [];
  const sent: { text: string; key: string; answer: (message: ChatMessage) => void; fail: (error: Error) => void }[] =
    [];
  const asked: ChatRange[] = [];
  let keys = 0;
  const log = new ChatLog({
    api: {
      say: (text, key) => new Promise((answer, fail) => sent.push({ text, key, answer, fail })),
      messages: async (range) => {
        asked.push(range);
        return pages(range);
      },
      deleteMessage: async () => {},
    },
    newKey: () => `key-${++keys}`,
    myIdentity: () => "me",
    onNews: (messages) => news.push(...messages.map(({ id }) => id)),
  });
  const ids = () => log.getSnapshot().messages.map(({ id }) => id);
  return { log, news, sent, asked, ids };
}

test("what was said before one came is shown, and is no news", async () => {
  const { log, news, ids } = harness(() => history([message(1), message(2)], true));
  await log.catchUp();
  assert.deepEqual(ids(), ["1", "2"]);
  assert.deepEqual([log.getSnapshot().unread, log.getSnapshot().hasOlder, news], [0, true, []]);
});

test("what comes in is unread until somebody looks", () => {
  const { log, news } = harness();
  log.receive(message(1));
  log.receive(message(2));
  assert.equal(log.getSnapshot().unread, 2);
  log.look(true);
  assert.equal(log.getSnapshot().unread, 0);
  log.receive(message(3));
  assert.equal(log.getSnapshot().unread, 0);
  log.look(false);
  assert.deepEqual(news, ["1", "2", "3"]);
});

test("a message that comes twice is there once, and late ones find their place", () => {
  const { log, ids } = harness();
  for (const id of [9, 10, 9, 8]) log.receive(message(id));
  assert.deepEqual(ids(), ["8", "9", "10"]);
});

test("after a cut everything missed is read, page by page, and told", async () => {
  const pages: Record<string, ChatHistory> = {
    "1": history([message(2), message(3)], true),
    "3": history([message(4)], false, ["1"]),
  };
  const { log, news, asked, ids } = harness(({ after }) =>
    after === undefined ? history([message(1)]) : (pages[after] ?? history([])),
  );
  await log.catchUp();
  await log.catchUp();
  assert.deepEqual(ids(), ["1", "2", "3", "4"]);
  assert.deepEqual(asked, [{}, { after: "1" }, { after: "3" }]);
  assert.deepEqual(news, ["2", "3", "4"]);
  assert.equal(log.getSnapshot().messages[0]?.isDeleted, true);
  assert.equal(log.getSnapshot().messages[0]?.text, "");
});

test("a failed first reading is tried again as a whole", async () => {
  let isAway = true;
  const { log, ids } = harness(() => {
    if (isAway) throw new Unreachable("away");
    return history([message(1)]);
  });
  await assert.rejects(log.catchUp());
  assert.equal(log.getSnapshot().isIncomplete, true);
  isAway = false;
  await log.catchUp();
  assert.equal(log.getSnapshot().isIncomplete, false);
  assert.deepEqual(ids(), ["1"]);
});

test("what one sends stands once, whichever way it comes back first", async () => {
  const { log, sent, ids, news } = harness();
  const sending = log.send("Hello");
  assert.equal(log.getSnapshot().outgoing[0]?.state, "sending");
  log.receive(message(5, { identity: "me", text: "Hello" }));
  assert.deepEqual(ids(), []);
  sent[0]?.answer(message(5, { identity: "me", text: "Hello" }));
  await sending;
  assert.deepEqual([ids(), log.getSnapshot().outgoing, news], [["5"], [], []]);
});

test("a failed message stays, with the portal's words, and is sent again under the same key", async () => {
  const { log, sent, ids } = harness();
  const sending = log.send("Hello");
  sent[0]?.fail(new ApiError(429, "too_many_requests", "Wait a minute."));
  await sending;
  assert.deepEqual(log.getSnapshot().outgoing, [
    { key: "key-1", text: "Hello", state: "failed", reason: "Wait a minute." },
  ]);
  const again = log.sendAgain("key-1");
  await log.sendAgain("key-1"); // pressed twice
  assert.equal(sent.length, 2);
  assert.equal(sent[1]?.key, "key-1");
  sent[1]?.answer(message(7, { identity: "me" }));
  await again;
  assert.deepEqual([ids(), log.getSnapshot().outgoing], [["7"], []]);
});

test("a message that one gives up is gone", async () => {
  const { log, sent } = harness();
  const sending = log.send("Hello");
  sent[0]?.fail(new Unreachable("away"));
  await sending;
  log.discard("key-1");
  assert.deepEqual(log.getSnapshot().outgoing, []);
});

test("a deleted message is empty for everybody, also where the news of it comes first", () => {
  const { log } = harness();
  log.receive(message(1));
  log.receive({ id: "1", isDeleted: true });
  log.receive({ id: "2", isDeleted: true });
  log.receive(message(2));
  assert.deepEqual(
    log.getSnapshot().messages.map(({ text, isDeleted }) => [text, isDeleted]),
    [
      ["", true],
      ["", true],
    ],
  );
});

test("older pages come before, and are no news", async () => {
  const { log, ids, news } = harness(({ before }) =>
    before === undefined ? history([message(3)], true) : history([message(1), message(2)]),
  );
  await log.catchUp();
  await log.loadOlder();
  assert.deepEqual([ids(), log.getSnapshot().hasOlder, news], [["1", "2", "3"], false, []]);
});
