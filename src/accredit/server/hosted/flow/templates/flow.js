"use strict";
// All that comes in is the JSON block, and what our own server answers: every screen is rendered there, with its texts escaped.
const block = document.getElementById("script");
const { paths, kept, peer, look, first, warning_ms } = JSON.parse(block.textContent);
// The token is for this script alone.
block.remove();
const app = document.getElementById("app");
const connection = peer && accredit.connect(peer);
let { token } = first ?? {};
let language = document.documentElement.lang;
let shown, timers = [], busy = false, endTold = false;

// ISO 3166-1, alpha-2; the browser knows what they are called in which language.
const COUNTRIES =
  "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA " +
  "CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA " +
  "GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP " +
  "KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS " +
  "MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS " +
  "RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW " +
  "TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

// A link's key and token live in this tab alone, so that it can be reloaded; without storage until then.
const memory = {};
const store = {
  read(name) {
    try { return sessionStorage.getItem(kept + name); } catch { return memory[name] ?? null; }
  },
  write(name, value) {
    memory[name] = value;
    try {
      if (value) sessionStorage.setItem(kept + name, value);
      else sessionStorage.removeItem(kept + name);
    } catch { /* Storage is switched off. */ }
  },
};

async function post(path, body) {
  const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
  const answer = await fetch(path, {
    method: "POST", headers, body: JSON.stringify({ language, ...body }), credentials: "omit", cache: "no-store",
  });
  return { status: answer.status, told: await answer.json() };
}

// One call at a time: what comes second would be about a screen that is gone.
async function ask(path, body) {
  if (busy) return;
  busy = true;
  app.querySelectorAll("form").forEach((form) => form.setAttribute("aria-busy", "true"));
  let answer;
  try {
    answer = await post(path, body);
  } catch { /* Out of reach for now. */ }
  busy = false;
  app.querySelectorAll("form").forEach((form) => form.removeAttribute("aria-busy"));
  if (answer?.status === 200) show(answer.told);
  // Somebody else was faster, in another tab: what there is now.
  else if (answer?.status === 409 && path !== paths.state) look_again();
  else fail(answer, path);
}

// A link whose session has ended has no token: its key shows the end.
const look_again = () => (token ? ask(paths.state, {}) : start());

function fail(answer, path) {
  const { status, told } = answer ?? {};
  if (told) connection?.event("error", { topic: "error", code: told.code, message: told.title, request_id: told.request_id });
  if (status === 401) {
    if (kept) store.write("token", null);
    notice(kept ? "lost" : "reopen");
  } else if (status === 403) notice("stopped");
  else if (status === 404) notice("invalid");
  else if (status === 429 && !shown) notice("busy");
  else {
    say(!status || status >= 500 || status === 429 ? "offline" : "broken");
    if (shown && (shown.again_ms !== null || path === paths.state)) later(look_again, 3000);
  }
}

function notice(name) {
  clearTimers();
  app.replaceChildren(document.getElementById(name).content.cloneNode(true));
  settle();
}

function say(name) {
  document.getElementById("notice")?.replaceChildren(document.getElementById(name).content.cloneNode(true));
}

function show(told) {
  const again = shown && shown.html === told.html;
  shown = told;
  if (told.token) {
    token = told.token;
    store.write("token", token);
    store.write("key", null);
  }
  if (told.look && look) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(told.look);
    document.adoptedStyleSheets = [sheet];
  }
  language = document.documentElement.lang = told.language;
  // A page that only waits stays as it is while nothing has changed: nobody hears it read again.
  if (again) document.getElementById("notice").replaceChildren();
  else {
    app.innerHTML = told.html;
    settle();
  }
  follow();
}

// The new screen is read out from its heading, or from the one field that it is about; after a mistake, from the field that has it.
function settle() {
  const heading = app.querySelector("h1");
  const who = app.querySelector(".logo")?.alt ?? app.querySelector(".who")?.textContent;
  document.title = [heading.textContent, who].filter(Boolean).join(" · ");
  (app.querySelector("[aria-invalid], [data-focus]") ?? heading).focus({ preventScroll: true });
  scrollTo(0, 0);
  app.querySelectorAll("[data-given]").forEach(list);
  localise(app);
  localise(document.getElementById("ending-text")?.content);
}

function list(select) {
  const names = new Intl.DisplayNames([language], { type: "region" });
  const options = COUNTRIES.split(" ").map((code) => new Option(names.of(code), code));
  options.sort((one, other) => one.text.localeCompare(other.text, language));
  select.append(...options);
  select.value = select.dataset.given;
}

function localise(root) {
  for (const time of root?.querySelectorAll("time") ?? []) {
    const when = new Date(time.dateTime);
    const day = when.toDateString() === new Date().toDateString() ? {} : { dateStyle: "short" };
    time.textContent = when.toLocaleString(document.documentElement.lang, { timeStyle: "short", ...day });
  }
}

// What is due by and by: another look, a button that may be pressed again, the end.
function follow() {
  const { again_ms, left_ms } = shown;
  clearTimers();
  if (again_ms !== null) later(look_again, again_ms);
  if (left_ms !== null) {
    const warned = document.getElementById("ending-text").content.cloneNode(true);
    later(() => document.getElementById("ending").replaceChildren(warned), left_ms - warning_ms);
    later(look_again, left_ms);
  }
  for (const button of app.querySelectorAll("[data-after]")) count(button, performance.now() + button.dataset.after * 1000);
  tell();
}

// Browsers take no longer wait than 2^31 - 1 milliseconds.
function later(work, ms) {
  if (ms < 2 ** 31) timers.push(setTimeout(work, Math.max(0, ms)));
}

function clearTimers() {
  timers.splice(0).forEach(clearTimeout);
}

function count(button, until) {
  const left = Math.ceil((until - performance.now()) / 1000);
  const text = button.nextElementSibling;
  button.disabled = left > 0;
  if (left > 0) {
    text.querySelector("[data-seconds]").textContent = left;
    later(() => count(button, until), 250);
  } else text.remove();
}

// What the page around hears: once how the session was come by, once how it ended.
function tell() {
  const { session } = shown;
  const event = (object) => connection?.event(object.topic, object);
  if (shown.opening) event({ topic: "session", action: shown.opening, data: { id: session.id } });
  if (session.status === "active" || endTold) return;
  endTold = true;
  if (session.status === "success") event({ topic: "session", action: "passed" });
  else if (session.status === "failed") event({ topic: "session", action: "failed" });
  else event({ topic: "status", status: session.status, data: { id: session.id } });
}

app.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = Object.fromEntries(new FormData(event.target));
  const { name, value } = event.submitter ?? {};
  if (name) form[name] = value;
  ask(paths.submit, { step: shown.step, attempt: shown.attempt, form });
});

app.addEventListener("click", ({ target }) => {
  const { dataset } = target.closest("button") ?? {};
  if (!dataset) return;
  if ("start" in dataset) start();
  if ("close" in dataset) connection?.close(shown?.session.status);
  if (dataset.reveal) document.getElementById(dataset.reveal).hidden = false;
  if (dataset.language) speak(dataset.language);
});

function speak(code) {
  language = code;
  if (shown) look_again();
  // Before the start there is only the page itself, which is there in every language.
  else location.search = new URLSearchParams({ language: code });
}

function start() {
  ask(paths.exchange, { key: store.read("key") });
}

// Inside a frame Escape is heard here alone.
addEventListener("keydown", ({ key }) => {
  const menu = app.querySelector("details[open]");
  if (key !== "Escape") return;
  if (menu) menu.open = false;
  else connection?.close(null);
});
addEventListener("online", () => shown?.again_ms != null && look_again());
// A page that comes back from the browser's memory, or to the front, may be behind.
addEventListener("pageshow", ({ persisted }) => persisted && token && look_again());
addEventListener("visibilitychange", () => !document.hidden && shown?.again_ms != null && look_again());

if (first) {
  shown = { ...first, html: null };
  settle();
  // The page around shows the frame, and only then hears what it shows.
  connection?.ready();
  follow();
} else {
  const key = new URLSearchParams(location.search).get("key") ?? new URLSearchParams(location.hash.slice(1)).get("key");
  if (key) store.write("key", key);
  if (key || location.hash) {
    const search = new URLSearchParams(location.search);
    search.delete("key");
    history.replaceState(null, "", location.pathname + `?${search}`.replace(/^\?$/, ""));
  }
  token = key ? undefined : store.read("token");
  if (token) look_again();
  // Who comes back from a service, in a window that knows nothing, goes on where that one was opened.
  else if (store.read("key")) settle();
  else notice("back");
}
