// Signs which user of yours a page is about, on your server. The page passes the result to Flow as `user.signature`.
//
//     REFERENCE_SECRET=... node sign.mjs CUSTOMER_REFERENCE
//
// Sign for the user who is signed in, and for nobody else: one signature is good for this reference alone, and for good.
import { createHmac } from "node:crypto";
import { pathToFileURL } from "node:url";

const UNFIT = /[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]/u;

/**
 * @param {string} secret
 * @param {string} customerReference exactly as the page passes it, unique and for good; at most 255 bytes
 * @returns {string}
 */
export function signReference(secret, customerReference) {
  const length = Buffer.byteLength(customerReference);
  // A line break in it could make the signature one of an API request.
  if (length < 1 || length > 255 || UNFIT.test(customerReference)) throw new Error("that is no customer reference");
  return createHmac("sha256", readSecret(secret)).update(customerReference).digest("base64");
}

/**
 * The key is the text as it was shown, with all that it begins with.
 * @param {string} secret
 */
function readSecret(secret) {
  if (!/^[!-~]{32,128}$/.test(secret)) throw new Error("that is not the secret");
  return secret;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [customerReference, ...more] = process.argv.slice(2);
  const secret = process.env.REFERENCE_SECRET;
  if (secret === undefined || customerReference === undefined || more.length > 0) {
    console.error("usage: REFERENCE_SECRET=... node sign.mjs CUSTOMER_REFERENCE");
    process.exit(2);
  }
  console.log(signReference(secret, customerReference));
}
