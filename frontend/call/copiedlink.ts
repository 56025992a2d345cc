// "Meet now" on the home page (portal.js) puts the new room's link on the clipboard and leaves a note; the room's page says so, once.
const KEY = "visio.linkCopied";

/** Whether the link of the room at `path` was just copied. Asked again, the answer is no. */
export function takeCopiedLink(storage: Pick<Storage, "getItem" | "removeItem">, path: string): boolean {
  const copied = storage.getItem(KEY) === path;
  storage.removeItem(KEY);
  return copied;
}
