// Signs all that a page passes of its user, on your server. The page passes the result to accredit.init as `signature`.
//
//     IDENTITY_SECRET=... IDENTITY_KEY_ID=... node sign_v2.mjs CP_ID CP_DEPLOYMENT_ID ORIGIN [NAME=VALUE]...
//
// Sign anew for each page view: a signature is good once, for a minute.
import { createHash, createHmac, randomBytes } from "node:crypto";
import { pathToFileURL } from "node:url";

/**
 * @param {{secret: string, keyId: string, cpId: string, cpDeploymentId: string}} ours
 * @param {Record<string, string>} fields all of customerInfo, and page and locale if the page passes them
 * @param {string} [origin] of the page; empty for any
 * @returns {string}
 */
export function signIdentityV2({ secret, keyId, cpId, cpDeploymentId }, fields, origin = "") {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const nonce = randomBytes(16).toString("hex");
  // RFC 8785: sorted by name. Browsers post the line ends of a form as CR LF; what is empty counts as absent.
  const present = Object.entries(fields).filter(([, value]) => value !== "").sort(([a], [b]) => (a < b ? -1 : 1));
  const texts = Object.fromEntries(present.map(([name, value]) => [name, value.replace(/\r\n?/g, "\n")]));
  const digest = createHash("sha256").update(JSON.stringify(texts)).digest("hex");
  const email = fields.email ?? "";
  const signed = ["accredit-identity-v2", keyId, timestamp, nonce, cpId, cpDeploymentId, email, digest, origin];
  const mac = createHmac("sha256", decodeSecret(secret)).update(JSON.stringify(signed)).digest("base64url");
  return ["v2", keyId, timestamp, nonce, mac].join(".");
}

/** @param {string} secret */
function decodeSecret(secret) {
  const key = Buffer.from(secret, "base64");
  if (key.length < 16) throw new Error("that is not the secret");
  return key;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [cpId, cpDeploymentId, origin, ...pairs] = process.argv.slice(2);
  const { IDENTITY_SECRET: secret, IDENTITY_KEY_ID: keyId } = process.env;
  if (!secret || !keyId || !cpId || !cpDeploymentId || origin === undefined) {
    console.error("usage: node sign_v2.mjs CP_ID CP_DEPLOYMENT_ID ORIGIN [NAME=VALUE]...");
    process.exit(2);
  }
  const fields = Object.fromEntries(pairs.map((pair) => /** @type {[string, string]} */ (pair.split(/=(.*)/s, 2))));
  console.log(signIdentityV2({ secret, keyId, cpId, cpDeploymentId }, fields, origin));
}
