// Signs who the user of a page is, on your server. The page passes the result to accredit.init as `signature`.
//
//     IDENTITY_SECRET=... node sign.mjs CP_ID CP_DEPLOYMENT_ID [EMAIL]
//
// Sign anew for each page view: a signature is good once, for a minute.
import { createHmac, randomBytes } from "node:crypto";
import { pathToFileURL } from "node:url";

/**
 * @param {string} secret
 * @param {string} cpId
 * @param {string} cpDeploymentId
 * @param {string} [email] exactly as the page passes it in customerInfo; empty for an anonymous user
 * @returns {string}
 */
export function signIdentity(secret, cpId, cpDeploymentId, email = "") {
  const timestamp = Math.floor(Date.now() / 1000);
  const nonce = randomBytes(16).toString("hex");
  const text = [timestamp, cpId, cpDeploymentId, email, nonce].join(":");
  const mac = createHmac("sha256", decodeSecret(secret)).update(text).digest("base64");
  return [timestamp, mac, nonce].join(":");
}

/** @param {string} secret */
function decodeSecret(secret) {
  const key = Buffer.from(secret, "base64");
  if (key.length < 16) throw new Error("that is not the secret");
  return key;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [cpId, cpDeploymentId, email] = process.argv.slice(2);
  const secret = process.env.IDENTITY_SECRET;
  if (!secret || !cpId || !cpDeploymentId) {
    console.error("usage: IDENTITY_SECRET=... node sign.mjs CP_ID CP_DEPLOYMENT_ID [EMAIL]");
    process.exit(2);
  }
  console.log(signIdentity(secret, cpId, cpDeploymentId, email));
}
