/**
 * The exchange's page: opens the window, and shows what its own backend says of the user and which webhooks came.
 *
 * What the window tells the page is a hint to ask the backend, and nothing more.
 */

/* global flow */
const { options, since, tried } = JSON.parse(document.getElementById("exchange-data").textContent);
const said = document.getElementById("said");
const heard = document.getElementById("heard");
const objects = [];
let last = since;

/** What the backend says, which has asked Accredit. */
async function ask() {
  const answer = await fetch("/verified");
  if (!answer.ok) return;
  const { status, name, failed } = await answer.json();
  if (status === "success") said.textContent = `Welcome, ${name}. You may trade.`;
  else if (status === "failed") said.textContent = `Not verified: ${failed.join(", ")} failed.`;
  else said.textContent = status === "none" ? "Not verified yet." : `Not verified yet: ${status}.`;
  said.dataset.status = status;
}

function hear(object) {
  objects.push(JSON.stringify(object));
  document.getElementById("objects").textContent = objects.join("\n");
  if (object.topic === "error") said.textContent = `No window opens: ${object.message}`;
  else if (tried) said.textContent = `${object.topic}: ${object.action ?? object.status}`;
  else if (object.topic !== "ui") ask();
}

/** A webhook as a line, the newest first. */
function tell({ kind, code, type, session_id, status, step, again }) {
  const line = document.createElement("li");
  line.className = "exchange";
  line.dataset.state = code ? "refused" : "done";
  const heading = document.createElement("h3");
  heading.textContent = code ? "Refused" : type;
  const what = document.createElement("p");
  what.dataset.fill = "what";
  const seen = again ? "Verified, and dropped: it came before" : "Verified";
  what.textContent = code ? `Kind ${kind}: not genuine, so it does nothing` : `${seen}, of kind ${kind}`;
  const facts = document.createElement("p");
  facts.className = "facts";
  for (const fact of code ? [code] : [session_id && `${session_id.slice(0, 11)}…`, status, step]) {
    if (fact) facts.append(Object.assign(document.createElement("code"), { textContent: fact }));
  }
  line.append(heading, what, facts);
  heard.prepend(line);
}

async function look() {
  const answer = await fetch(`/heard?after=${last}`).catch(() => undefined);
  const hooks = answer?.ok ? (await answer.json()).hooks : [];
  if (hooks.length) {
    heard.querySelector('[data-state="waiting"]')?.remove();
    hooks.forEach(tell);
    last = hooks.at(-1).number;
    if (said && !tried) await ask();
  }
  setTimeout(look, 700);
}

if (options) {
  flow.on("all", hear);
  flow.on("status", hear);
  document.getElementById("verify").addEventListener("click", () => flow.open());
}
if (said && !tried) ask();
look();
document.querySelector('.menu [aria-current="page"]').scrollIntoView({ inline: "nearest", block: "nearest" });
