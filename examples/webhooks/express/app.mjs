// Hears what happens at Accredit, in Express, with the library of Standard Webhooks. The three steps of a receiver are marked.
// npm install express jose standardwebhooks; node app.mjs 9000
import express from 'express';
import { compactDecrypt, importJWK } from 'jose';
import { Webhook } from 'standardwebhooks';

const { ACCREDIT_URL, ACCREDIT_API_KEY, WEBHOOK_KEY, WEBHOOK_SECRETS } = process.env;
// During a rotation both, separated by spaces.
const secrets = WEBHOOK_SECRETS.split(' ').map((text) => new Webhook(text));
// The private half of the endpoint's encryption key; without one leave out `open`.
const jwk = JSON.parse(WEBHOOK_KEY);
const key = await importJWK(jwk, jwk.alg);
const allowed = { keyManagementAlgorithms: [jwk.alg], contentEncryptionAlgorithms: ['A128CBC-HS256'] };
// Ids of the last seven days: in your database, if there is more than one process.
const heard = new Map();
const WEEK_MS = 7 * 86_400_000;

const app = express();

app.post('/hooks', express.raw({ type: () => true, limit: '512kb' }), async (request, response) => {
  let event;
  // (1) Verify the octets as they came, before anything reads them; then open them.
  try {
    verify(request.body, request.headers);
    event = JSON.parse(await open(request.body));
    if (event.id !== request.headers['webhook-id']) throw new Error('another event');
  } catch {
    response.sendStatus(401);
    return;
  }
  // (2) Drop what came before, and (3) answer first: what takes time comes afterwards.
  const again = isKnown(event.id);
  response.sendStatus(204);
  if (!again && event.data.object === 'session') ask(event.data.id).catch(console.error);
});

/** Throws unless the request is signed under one of the secrets. A sealed body is no JSON yet. */
function verify(body, headers) {
  const held = secrets.some((secret) => {
    try {
      secret.verify(body, headers, { jsonParse: false });
      return true;
    } catch {
      return false;
    }
  });
  if (!held) throw new Error('not signed by Accredit');
}

async function open(body) {
  const text = body.toString();
  return text.startsWith('{') ? text : new TextDecoder().decode((await compactDecrypt(text, key, allowed)).plaintext);
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

/** How the session stands now, whatever came in whichever order. */
async function ask(id) {
  const answer = await fetch(`${ACCREDIT_URL}/v1/sessions/${id}`, { headers: { authorization: `Bearer ${ACCREDIT_API_KEY}` } });
  if (answer.ok) console.log('session', id, (await answer.json()).status);
}

const port = Number(process.argv[2] ?? 9000);
app.listen(port, '127.0.0.1', () => console.log(`listens on http://127.0.0.1:${port}`));
