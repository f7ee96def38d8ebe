/**
 * The stage: makes the page's calls through the SDK, and tells the audience what comes of them, from what really came.
 *
 * What the owner knows is asked of /backstage, which asks Accredit with the owner's key.
 */

import { fill, finish, show, shorten, tellPosted } from "./telling.js";

const stage = JSON.parse(document.getElementById("stage-data").textContent);
const renew = document.getElementById("renew");
const handles = [];
const EVENTS = { "report.opened": admitted, "report.renewed": renewed, "report.finished": finished, debug: reported };
const VOUCHED = {
  signed: "Vouched for by a signature.",
  origin: "Only the site is known: its origin is on the list. Nobody vouches for the rest.",
  unverified: "Nobody vouches for that.",
};
const clock = (time) => new Date(time).toLocaleTimeString();
const listed = (names) => new Intl.ListFormat("en").format(names);

/** Makes one call; answers when it is decided. */
function embed(index, { fields }) {
  return new Promise((decided) => {
    const begun = performance.now();
    const took = () => performance.now() - begun;
    const told = { index, took };
    let settled = false;
    const settle = () => decided((settled = true));
    handles[index] = window[stage.sdk].init({
      location: `#frame-${index}`,
      title: "Credit report",
      height: "auto",
      ...fields,
      on_event: ({ name, detail }) => (EVENTS[name]?.(told, detail), settle()),
      on_error: (fault) => ((settled ? notRenewed : refused)(told, fault), settle()),
      on_renew: sign,
    });
    asked(told);
  });
}

/** The customer's server signs afresh for who is at its page. */
async function sign() {
  const answer = await fetch("/sign", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ try: stage.try, as: stage.as }),
  });
  return answer.json();
}

function asked({ index }) {
  const name = document.querySelector(`#frame-${index} iframe`)?.name ?? "";
  const sent = Object.keys(stage.calls[index].fields).filter((name) => !/^(cp_|marketplace_url)/.test(name));
  show(index, "page", { state: "done" });
  show(index, "door", {
    state: "done",
    facts: [`POST /${stage.door}`, `origin ${location.host}`, `channel ${shorten(name.slice(9))}`, sent.join(" + ")],
  });
}

async function admitted({ index, took }, opened) {
  const ms = took();
  document.getElementById(`frame-${index}`).classList.remove("reading");
  const session = await look(`/backstage/sessions/${opened.session_id}`);
  const { key_id, single_use, version } = session.proof ?? {};
  show(index, "gate", {
    state: "done",
    what: "Admitted",
    facts: [`trust ${session.trust}`, version && `version ${version}`, key_id && `key ${shorten(key_id)}`],
  });
  show(index, "session", {
    state: "done",
    what: "Open, and on disk before anybody heard of it",
    facts: [
      shorten(session.session_id),
      `opened ${clock(session.created_at)}`,
      (single_use || version) && `${stage.proof} is spent`,
    ],
  });
  show(index, "code", { state: "done", what: "Redeemed, and worth nothing any more", facts: ["POST /v1/exchange"] });
  show(index, "backend", {
    state: "done",
    took: ms,
    what: learned(opened),
    facts: [...opened.learned, ...opened.server_only.map((key) => `${key} (backend only)`), opened.visits && `visit ${opened.visits}`],
  });
  fill(index, {
    state: "admitted",
    heard: "ready",
    "heard-detail": `After ${Math.round(ms)} ms. A code went by that the page could do nothing with.`,
    "inside-title": "What the backend learned",
    source: "POST /v1/exchange",
    known: opened.uid ?? "anonymous",
    "known-detail": opened.uid
      ? `${VOUCHED[opened.trust]} ${listed([...opened.learned, ...opened.server_only])} came along.`
      : VOUCHED[opened.trust],
  });
  renew.disabled = stage.calls.length > 1;
}

function learned({ uid, trust }) {
  if (trust !== "signed") return uid ? `Was told of ${uid}, and shows nothing of theirs` : "Was told of nobody";
  return uid ? `Knows that this is ${uid}` : "Knows that this visitor is anonymous";
}

/** While the level debugs, the frame shows a report before the application; its link goes on. */
async function reported({ index, took }, report) {
  const ms = took();
  const { title, mistakes } = await look(`/backstage/reports/${report.request_id}`);
  document.getElementById(`frame-${index}`).classList.add("reading");
  const failed = report.checks.filter((check) => check.result === "fail").map((check) => check.check);
  show(index, "gate", {
    state: "done",
    took: ms,
    what: "Admitted to be told what is wrong, and never as verified",
    facts: ["trust unverified", ...failed.map((check) => `${check} fails`)],
  });
  show(index, "session", { state: "done", what: "Open, unverified", facts: [`request ${shorten(report.request_id)}`] });
  show(index, "code", { state: "done", what: "In the report’s link, good for ten minutes" });
  fill(index, {
    state: "reported",
    heard: "debug",
    "heard-detail": "The report in the frame: each check, and the text to sign with the e-mail masked.",
    source: "GET /v1/boot_reports",
    known: report.code ?? "nothing wrong",
    "known-detail": [title, mistakes.length ? `Likely mistake: ${listed(mistakes)}.` : ""].join(" "),
  });
}

async function refused({ index, took }, { code, request_id }) {
  const ms = took();
  const entry = request_id ? await look(`/backstage/refusals/${request_id}`) : {};
  // What the gate never saw, because it could not be read, stands in no owner's audit trail.
  const unread = code === "admission_refused" ? `cannot be read as a ${stage.proof}` : code;
  show(index, entry.code ? "gate" : "door", {
    state: "refused",
    took: ms,
    what: `Refused: ${entry.code ?? unread}`,
    facts: [request_id && `request ${shorten(request_id)}`, entry.seq && `audit entry ${entry.seq}`],
  });
  finish(index);
  fill(index, {
    state: "refused",
    heard: code,
    "heard-detail": request_id
      ? `The same words for every refusal. Request ${shorten(request_id)}.`
      : "Nothing was asked, or nobody answered.",
    source: "GET /v1/audit",
    known: entry.code ?? "no entry of this owner",
    "known-detail": entry.code
      ? `${entry.title} Audit entry ${entry.seq}, ${clock(entry.at)}.`
      : "What could not be read names nobody. The server’s operator finds the request.",
  });
}

async function notRenewed({ index }, { code, request_id }) {
  const entry = request_id ? await look(`/backstage/refusals/${request_id}`) : {};
  show(index, `renewal-${request_id}`, {
    state: "refused",
    title: "Renewal",
    party: "accredit",
    what: `Refused: ${entry.code ?? code}`,
    facts: [request_id && `request ${shorten(request_id)}`, entry.seq && `audit entry ${entry.seq}`],
  });
}

function renewed({ index }, session) {
  show(index, `renewal-${session.session_id}`, {
    state: "done",
    title: "Renewal",
    party: "accredit",
    what: "A new admission, a new session, and no reload",
    facts: [shorten(session.session_id), `in place of ${shorten(session.renews)}`, `until ${clock(session.expires_at)}`],
  });
}

function finished({ index }, session) {
  renew.disabled = true;
  show(index, "end", {
    state: "done",
    title: "End",
    party: "application",
    what: "The report ended its session; what was personal in it is gone",
    facts: [shorten(session.session_id), session.status],
  });
}

async function look(address) {
  const answer = await fetch(address);
  return answer.ok ? answer.json() : {};
}

renew.addEventListener("click", async () => handles[0].renew(await sign()));
tellPosted(document.getElementById("posted"), stage.calls);
document.querySelector('.menu [aria-current="page"]').scrollIntoView({ inline: "nearest", block: "nearest" });
// One after the other: of a token that is used twice, the first use is the first.
for (const [index, call] of stage.calls.entries()) await embed(index, call);
