/** Putting facts into the page: text only, never markup. */

const LETTERS = {
  signed_deployment: decoded,
  customerInfo: (value) => JSON.stringify(value, null, 2),
  signature: takenApart,
};
const NEVER = { gate: "Was not asked", session: "None was opened", code: "None was made", backend: "Never heard of it" };

/** An id as an audience can take it in. */
export function shorten(id) {
  const text = String(id ?? "");
  return text.length > 16 ? `${text.slice(0, 8)}…${text.slice(-4)}` : text;
}

/** Fills a step of a timeline; one that is not there yet is added at its end. */
export function show(index, name, { state, title, party, what, facts = [], took }) {
  const step = findStep(index, name) ?? addStep(index, name, title, party);
  step.dataset.state = state;
  if (what) part(step, "what").textContent = what;
  if (took !== undefined) part(step, "took").textContent = `${Math.round(took)} ms`;
  part(step, "facts").replaceChildren(...facts.filter(Boolean).map(asCode));
}

/** What comes after a refusal does not come. */
export function finish(index) {
  for (const step of document.querySelectorAll(`#timeline-${index} [data-state="waiting"]`)) {
    step.dataset.state = "never";
    part(step, "what").textContent = NEVER[step.dataset.step];
  }
}

/** Fills the two cards of an outcome. */
export function fill(index, { state, ...texts }) {
  const outcome = document.getElementById(`outcome-${index}`);
  outcome.dataset.state = state;
  for (const [name, text] of Object.entries(texts)) part(outcome, name).textContent = text;
}

/** Shows the fields of each call, tokens and signatures taken apart. */
export function tellPosted(place, calls) {
  for (const { fields } of calls) {
    const text = Object.entries(fields).map(
      ([name, value]) => `${name}: ${(LETTERS[name] ?? JSON.stringify)(value)}`,
    );
    const block = document.createElement("pre");
    block.tabIndex = 0;
    block.append(asCode(text.join("\n")));
    place.append(block);
  }
}

/** Either version: `timestamp:mac:nonce`, or `v2.kid.timestamp.nonce.mac`. */
function takenApart(signature) {
  const [timestamp, mac, nonce] = signature.startsWith("v2.")
    ? [2, 4, 3].map((part) => signature.split(".")[part])
    : signature.split(":");
  const signed_at = new Date(timestamp * 1000).toISOString();
  return `\n  timestamp: ${timestamp}, ${signed_at}\n  mac: ${shorten(mac)}\n  nonce: ${shorten(nonce)}`;
}

function decoded(token) {
  const [header, payload, signature] = token.split(".");
  return `\n  header: ${pretty(header)}\n  payload: ${pretty(payload)}\n  signature: ${shorten(signature)}`;
}

function pretty(segment) {
  const octets = Uint8Array.from(atob(segment.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.codePointAt(0));
  const members = JSON.parse(new TextDecoder().decode(octets));
  const shortened = (name, value) => (/^(kid|encrypted_passport)$/.test(name) ? shorten(value) : value);
  return JSON.stringify(members, shortened, 2).replace(/\n/g, "\n  ");
}

function findStep(index, name) {
  return document.querySelector(`#timeline-${index} [data-step="${name}"]`);
}

function addStep(index, name, title, party) {
  const timeline = document.getElementById(`timeline-${index}`);
  const step = timeline.lastElementChild.cloneNode(true);
  step.dataset.step = name;
  step.className = party;
  step.querySelector("h3").firstChild.textContent = `${title} `;
  part(step, "took").textContent = "";
  timeline.append(step);
  return step;
}

function part(whole, name) {
  return whole.querySelector(`[data-fill="${name}"]`);
}

function asCode(text) {
  const code = document.createElement("code");
  code.textContent = text;
  return code;
}
