import assert from "node:assert/strict";
import { test } from "node:test";
import { withLinks } from "./links.ts";

const links = (text: string) => withLinks(text).flatMap(({ href, text: shown }) => (href ? [shown] : []));

test("http and https become links, shown as they are; the rest stays text", () => {
  assert.deepEqual(withLinks("see https://a.example/x?y=1#z now"), [
    { text: "see " },
    { text: "https://a.example/x?y=1#z", href: "https://a.example/x?y=1#z" },
    { text: " now" },
  ]);
  for (const text of ["javascript:alert(1)", "data:text/html,x", "ftp://a.example", "www.a.example", "", "https://"]) {
    assert.deepEqual(links(text), [], text);
  }
});

test("the pieces together are the text", () => {
  for (const text of ["https://a.example", "a https://a.example, b http://b.example. c", "(https://a.example/b_(c))"]) {
    assert.equal(
      withLinks(text)
        .map((piece) => piece.text)
        .join(""),
      text,
    );
  }
});

test("marks of the sentence are not part of the address", () => {
  assert.deepEqual(links("Go to https://a.example/b."), ["https://a.example/b"]);
  assert.deepEqual(links("(see https://a.example/b)"), ["https://a.example/b"]);
  assert.deepEqual(links("https://a.example/b_(c)"), ["https://a.example/b_(c)"]);
  assert.deepEqual(links("« https://a.example/b »"), ["https://a.example/b"]);
});

test("an address that leads elsewhere than it reads is no link", () => {
  for (const text of [
    "https://bank.example@evil.example/",
    "https://user:pw@evil.example/",
    "https://bаnk.example/", // a Cyrillic а
    "https://ba\u200dnk.example/",
    "https://0x7f.1/",
  ]) {
    assert.deepEqual(links(text), [], text);
  }
  assert.deepEqual(links("HTTPS://A.Example:443/x"), ["HTTPS://A.Example:443/x"]);
});
