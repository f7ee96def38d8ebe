// Identity signatures as a customer's Node backend makes them, from the protocol page alone.
import { createHash, createHmac } from 'node:crypto';
import * as crypto from 'node:crypto';
import { readFileSync } from 'node:fs';

const source = readFileSync(new URL('secure-identity.ts', import.meta.url), 'utf8');
// Its two types are all that is TypeScript in it.
const javascript = source.replace(/: (?:string|number)(?=[ ,)])/g, '');

/** The original's code with the customer's secret in it, at a time of our choice. */
export function signAsTheOriginal({ secret, ids, now }) {
  const filledIn = javascript.replace("'secret_key'", JSON.stringify(secret));
  if (filledIn === javascript) throw new Error('the secret was not filled in');
  const clock = { now: () => now * 1000 + 999 };
  const createSignature = new Function('crypto', 'Buffer', 'Date', `${filledIn}; return createSignature;`)(crypto, Buffer, clock);
  return createSignature(...ids);
}

/** RFC 8785: JavaScript sorts texts by UTF-16 code units and writes numbers and texts as it asks. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${members.join(',')}}`;
}

/** protocol-boot.md section 7. fields: by plain name, as the page will pass them. */
export function signVersion2({ secret, kid, ids, fields, origin, now, nonce }) {
  const asText = (value) => (typeof value === 'object' ? canonical(value) : String(value)).replace(/\r\n?/g, '\n');
  const texts = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, asText(value)]));
  const hash = createHash('sha256').update(canonical(texts)).digest('hex');
  const signed = canonical(['accredit-identity-v2', kid, String(now), nonce, ...ids, fields.email ?? '', hash, origin]);
  const mac = createHmac('sha256', Buffer.from(secret, 'base64')).update(signed).digest('base64url');
  return `v2.${kid}.${now}.${nonce}.${mac}`;
}
