// Signs a deployment for one visitor, on your server. The page passes the result to accredit.init as `signed_deployment`.
//
//     DEPLOYMENT_KEY="$(cat key.jwk)" node sign.mjs DEPLOYER_ID INTEGRATION_ID OWNER_ID [UID]
import { createPrivateKey, sign } from "node:crypto";
import { pathToFileURL } from "node:url";

/**
 * @param {import("node:crypto").JsonWebKey} privateJwk
 * @param {{deployer_id: string, integration_id: string, owner_id: string, uid?: string}} properties
 *   uid: your user; absent for an anonymous visit
 * @returns {string} a token that is good for five minutes
 */
export function signDeployment(privateJwk, properties) {
  const now = Math.floor(Date.now() / 1000);
  const parts = [{ alg: "ES512" }, { ...properties, iat: now, exp: now + 300 }];
  const signingInput = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  const key = createPrivateKey({ key: privateJwk, format: "jwk" });
  // RFC 7518 section 3.4: r and s side by side, 66 bytes each. By default OpenSSL gives them as DER.
  const signature = sign("sha512", Buffer.from(signingInput), { key, dsaEncoding: "ieee-p1363" });
  return `${signingInput}.${signature.toString("base64url")}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [deployer_id, integration_id, owner_id, uid] = process.argv.slice(2);
  const jwk = process.env.DEPLOYMENT_KEY;
  if (!jwk || !deployer_id || !integration_id || !owner_id) {
    console.error("usage: node sign.mjs DEPLOYER_ID INTEGRATION_ID OWNER_ID [UID]");
    process.exit(2);
  }
  console.log(signDeployment(JSON.parse(jwk), { deployer_id, integration_id, owner_id, uid }));
}
