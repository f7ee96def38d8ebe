/** The script of the embedded report: speaks with the page around it, through the SDK, and with its own backend. */

const report = JSON.parse(document.getElementById("report").textContent);
const told = document.getElementById("told");
const frame = accredit.connect({ ...report.connection, on_renewed: redeem, on_renew_failed: () => tell("Not renewed.") });

frame.ready(report.expires_at);
frame.event("report.opened", report.opened);
showEnd(report.expires_at);
new ResizeObserver(fit).observe(document.body);
// Browsers let frames rest that are not in view, observers and all, so the first time is now.
fit();
document.getElementById("finish").addEventListener("click", finish);

function fit() {
  frame.resize(Math.ceil(document.body.getBoundingClientRect().height));
}

/** The page brought a new code; only the backend can do anything with it. */
async function redeem({ code }) {
  const renewed = await ask("/renewed", { code });
  if (!renewed) return tell("Not renewed.");
  showEnd(renewed.expires_at);
  frame.ready(renewed.expires_at);
  frame.event("report.renewed", renewed);
  tell("Renewed, without a reload.");
}

async function finish({ currentTarget }) {
  currentTarget.disabled = true;
  const ended = await ask("/finish", {});
  if (!ended) return tell("This session had ended already.");
  tell("Done. The session ended, and holds no personal data any more.");
  frame.event("report.finished", ended);
  frame.close("success");
}

async function ask(path, members) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ visit: report.visit, ...members }),
  });
  return answer.ok ? answer.json() : null;
}

function showEnd(expires_at) {
  const ends = document.getElementById("ends");
  ends.dateTime = expires_at;
  ends.textContent = `at ${new Date(expires_at).toLocaleTimeString()}`;
}

function tell(text) {
  told.textContent = text;
}
