// Hears what happens to flow sessions, as receivers of the original do: the `Authorization` header, and nothing but Node.
// node flow.mjs 9000
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const { ACCREDIT_URL, ACCREDIT_KEY_ID, ACCREDIT_KEY_SECRET } = process.env;
// Ids of the last seven days: in your database, if there is more than one process.
const heard = new Map();
const WEEK_MS = 7 * 86_400_000;
const [MAX_AGE_MS, MAX_BYTES] = [15 * 60_000, 512 * 1024];

/** What is signed of a webhook, and of a call to the API. target: path and query of the address as it is configured. */
function sign(method, target, date, body) {
  const digest = `SHA-256=${createHash('sha256').update(body).digest('base64')}`;
  const text = `(request-target): ${method} ${target}\ndate: ${date}\ndigest: ${digest}`;
  const signature = createHmac('sha256', ACCREDIT_KEY_SECRET).update(text).digest('base64');
  const parameters = `keyId="${ACCREDIT_KEY_ID}",algorithm="hmac-sha256",headers="(request-target) date digest"`;
  return { date, digest, authorization: `Signature ${parameters},signature="${signature}"` };
}

/** Whether a request is ours and of now. The digest is made anew from the octets as they came, so theirs need not be believed. */
function isGenuine({ url, headers }, body) {
  const age = Math.abs(Date.now() - Date.parse(headers.date));
  const given = Buffer.from(headers.authorization ?? '');
  const wanted = Buffer.from(sign('post', url, headers.date, body).authorization);
  return age < MAX_AGE_MS && given.length === wanted.length && timingSafeEqual(given, wanted);
}

function isKnown(id) {
  for (const [old, at] of heard) {
    if (at > Date.now() - WEEK_MS) break;
    heard.delete(old);
  }
  const known = heard.has(id);
  if (!known) heard.set(id, Date.now());
  return known;
}

async function read(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error('too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The three steps of a receiver. */
async function hear(request, response) {
  const body = await read(request);
  // (1) Verify the octets as they came, before anything reads them.
  if (request.method !== 'POST' || !isGenuine(request, body)) {
    response.writeHead(401).end();
    return;
  }
  const event = JSON.parse(body);
  // (2) Drop what came before, and (3) answer first: what takes time comes afterwards.
  const again = isKnown(event.id);
  response.writeHead(200).end();
  if (!again) await ask(event.data.id);
}

/** How the session stands now, whatever came in whichever order. */
async function ask(id) {
  const target = `/flow_sessions/${id}`;
  const signed = sign('get', target, new Date().toUTCString(), '');
  const answer = await fetch(ACCREDIT_URL + target, { headers: { ...signed, 'cognito-version': '2020-08-14' } });
  if (answer.ok) console.log('session', id, (await answer.json()).status);
}

const server = createServer((request, response) => {
  hear(request, response).catch((error) => {
    console.error(error.message);
    if (!response.headersSent) response.writeHead(400).end();
  });
});
const port = Number(process.argv[2] ?? 9000);
server.listen(port, '127.0.0.1', () => console.log(`listens on http://127.0.0.1:${port}`));
