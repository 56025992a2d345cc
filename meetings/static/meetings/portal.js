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
