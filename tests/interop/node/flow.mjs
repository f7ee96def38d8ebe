// What backends of the flow door's customers do in Node, from the protocol pages alone.
import { createHash, createHmac, hkdfSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { Webhook } from 'standardwebhooks';

const hmac = (secret, text) => createHmac('sha256', secret).update(text).digest('base64');

/** protocol-flow.md section 2. */
export const signReference = ({ secret, reference }) => hmac(secret, reference);

/** protocol-flow.md section 3: a token under the key that is derived from an API secret. */
export function signReferenceToken({ secret, kid, claims }) {
  const key = new Uint8Array(hkdfSync('sha256', secret, '', 'flow/customer-token/v2', 32));
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid, typ: 'flow-user+jwt' }).sign(key);
}

/** protocol-flow.md section 8, for a request or for a webhook: its three headers. names: the order in which they are signed. */
export function signRequest({ method, target, body, keyId, secret, now, names }) {
  const date = new Date(now * 1000).toUTCString();
  const digest = `SHA-256=${createHash('sha256').update(body).digest('base64')}`;
  const lines = { '(request-target)': `${method.toLowerCase()} ${target}`, date, digest };
  const signature = hmac(secret, names.map((name) => `${name}: ${lines[name]}`).join('\n'));
  const parameters = { keyId, algorithm: 'hmac-sha256', headers: names.join(' '), signature };
  const authorization = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`);
  return { Date: date, Digest: digest, Authorization: `Signature ${authorization.join(',')}` };
}

/** A receiver with the library of the format. */
export const verifyWebhook = ({ secret, body, headers }) => new Webhook(secret).verify(body, headers);

/** A sender with it. */
export function signWebhook({ secret, body, id, now }) {
  const signature = new Webhook(secret).sign(id, new Date(now * 1000), body);
  return { 'webhook-id': id, 'webhook-timestamp': String(now), 'webhook-signature': signature };
}
