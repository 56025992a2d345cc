// While a job is at work the page looks again every second: what it says of the progress is put in place, and once it is
// about something else, all of it comes anew.
const EVERY_MS = 1000;
const atWork = document.querySelector("[data-at-work]");

async function look() {
  const answer = await fetch(location.href);
  if (!answer.ok && answer.status >= 500) return; // the portal restarts
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (page.querySelector("[data-at-work]")?.dataset.atWork !== atWork.dataset.atWork) {
    location.reload();
    return;
  }
  for (const part of atWork.querySelectorAll("[data-fresh]")) {
    const fresh = page.querySelector(`[data-fresh="${part.dataset.fresh}"]`);
    // A screen reader is told what is new, and nothing twice.
    if (fresh.innerHTML !== part.innerHTML) part.replaceChildren(...fresh.childNodes);
  }
}

async function lookOn() {
  try {
    await look();
  } catch (error) {
    console.warn("the portal does not answer", error);
  }
  setTimeout(lookOn, EVERY_MS);
}

setTimeout(lookOn, EVERY_MS);
