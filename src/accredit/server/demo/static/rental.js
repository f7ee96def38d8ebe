/**
 * The rental's page: hears from the frame that the person is done, or asks its own backend how the phone is doing, and goes on.
 *
 * Neither is proof. What the backend then reads from Accredit is.
 */

const { waits_for, accredit } = JSON.parse(document.getElementById("rental-data").textContent);

function hear({ origin, source, data }) {
  const frame = document.querySelector("iframe");
  if (origin !== accredit || source !== frame.contentWindow || data?.accredit !== 1 || data.type !== "session") return;
  const { sessionId, sessionNonce } = data;
  location.assign(`/back?${new URLSearchParams({ sessionId, sessionNonce })}`);
}

async function look() {
  const answer = await fetch("/look");
  if (!answer.ok || (await answer.json()).over) location.assign("/visit");
  else setTimeout(look, 700);
}

if (waits_for === "embedded") addEventListener("message", hear);
if (waits_for === "headless") setTimeout(look, 700);
document.querySelector('.menu [aria-current="page"]').scrollIntoView({ inline: "nearest", block: "nearest" });
