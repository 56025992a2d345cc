// Small comforts of the portal's pages; each page works without them.
// <button data-copy="text" data-copied="Copied">: puts the text on the clipboard and says so for a moment.
const SAID_FOR_MS = 2500;

async function copy(button) {
  const label = button.querySelector("[data-copy-label]") ?? button;
  const before = label.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    // No permission: the link stands beside the button, to be selected by hand.
    return;
  }
  label.textContent = button.dataset.copied;
  button.disabled = true;
  setTimeout(() => {
    label.textContent = before;
    button.disabled = false;
    button.focus();
  }, SAID_FOR_MS);
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", () => copy(button));
}

// <form data-meet-now>: the new room's link is on the clipboard when its page appears. The clipboard must be asked for within the
// click itself, so the room is made in the background, and its link promised. The call page says so (frontend/call/main.tsx).
const COPIED_KEY = "visio.linkCopied";

async function makeRoom(form) {
  const headers = { Accept: "application/json" };
  const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers });
  if (!answer.headers.get("Content-Type")?.includes("json")) throw new Error(`HTTP ${answer.status}`);
  return answer.json();
}

async function meetNow(form) {
  const made = makeRoom(form);
  const link = made.then(({ link }) => {
    if (!link) throw new Error("no room was made");
    return new Blob([link], { type: "text/plain" });
  });
  const copied = navigator.clipboard.write([new ClipboardItem({ "text/plain": link })]).then(
    () => true,
    () => false, // no permission: the link is offered again in the room
  );
  const { path } = await made;
  if (await copied) sessionStorage.setItem(COPIED_KEY, path);
  location.assign(path);
}

for (const form of document.querySelectorAll("form[data-meet-now]")) {
  form.addEventListener("submit", (event) => {
    if (!navigator.clipboard || typeof ClipboardItem !== "function") return;
    event.preventDefault();
    form.dataset.meetNow = "busy";
    form.querySelector("[type=submit]").disabled = true; // one click, one room
    // Signed out meanwhile, or cut off: the plain form gets the server's own answer.
    meetNow(form).catch(() => form.submit());
  });
}

// Back from the room, the browser may show this page as it was left. (A button that a policy switched off stays off.)
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll('form[data-meet-now="busy"]')) {
    form.dataset.meetNow = "";
    form.querySelector("[type=submit]").disabled = false;
  }
});
