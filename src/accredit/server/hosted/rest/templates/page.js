"use strict";
const { left_ms, warning_ms, poll, message, parents } = JSON.parse(document.getElementById("script").textContent);
const opened = Date.now();

function localise(root) {
  for (const time of root.querySelectorAll("time")) {
    const when = new Date(time.dateTime);
    const day = when.toDateString() === new Date().toDateString() ? {} : { dateStyle: "short" };
    time.textContent = when.toLocaleString(document.documentElement.lang, { timeStyle: "short", ...day });
  }
}

// The server's count of what is left, as clocks of browsers may be wrong; looked at often, as a sleeping browser wakes up late.
function watch() {
  const left = left_ms - (Date.now() - opened);
  const ending = document.getElementById("ending");
  if (left <= 0) {
    location.reload();
    return;
  }
  if (left <= warning_ms && !ending.firstElementChild) {
    ending.append(document.getElementById("ending-text").content.cloneNode(true));
    localise(ending);
  }
  setTimeout(watch, Math.min(1000, left));
}

async function look() {
  try {
    const answer = await fetch(poll, { headers: { accept: "application/json" } });
    if (!answer.ok || (await answer.json()).moved) {
      location.reload();
      return;
    }
  } catch {
    // Out of reach for now.
  }
  setTimeout(look, 2000);
}

// The policy lets nobody but the listed parents frame this page. Where the browser says which one does, only that one is told.
function tell() {
  const parent = location.ancestorOrigins?.[0];
  const exact = parents.every((each) => !each.includes("*"));
  const told = parent ? [parent] : exact ? parents : ["*"];
  for (const origin of told) window.parent.postMessage(message, origin);
}

// Who presses twice means once.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "1";
});
// A page that is shown again, as by the way back, can be sent again.
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});
localise(document);
localise(document.getElementById("ending-text").content);
if (left_ms !== null) watch();
if (poll) setTimeout(look, 2000);
if (message && window.parent !== window) tell();
