// A certified OpenID provider on this machine, as tests configure it: one JSON line in, one JSON line out.
//
//   {"clients": [...], "jwks": {"keys": [...]}, "features": {...}, "answers": {"/jwks": {"status": 500}}}  ->  {"issuer": "http://127.0.0.1:..."}
//
// `answers` is what stands in front of it and misbehaves: an address that is named there answers as it says, and the provider is not asked.

import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

const person = {
  sub: 'person-1',
  given_name: 'Åse Synnøve',
  family_name: 'Ødegård',
  birthdate: '1985-03-17',
  email: 'aase@shop.example',
  pid: '17838549969',
};

// It warns of its own defaults, which are good enough for a test.
console.warn = console.info = () => {};

let answer = (_request, response) => response.writeHead(503).end();
let answers = {};
const server = createServer((request, response) => {
  const canned = answers[new URL(request.url, 'http://127.0.0.1').pathname];
  if (canned === undefined) return answer(request, response);
  response.writeHead(canned.status ?? 200, { 'content-type': canned.type ?? 'application/json' });
  return response.end(canned.body ?? '');
});

function configure(wanted) {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  answers = wanted.answers ?? {};
  const provider = new Provider(issuer, {
    clients: wanted.clients,
    jwks: wanted.jwks,
    cookies: { keys: ['only-for-tests'] },
    claims: { openid: ['sub'], profile: ['given_name', 'family_name', 'birthdate'], email: ['email'], pid: ['pid'] },
    acrValues: ['urn:level:2', 'urn:level:3'],
    // Its own refuses addresses of this machine.
    fetch: (url, options) => fetch(url, { ...options, dispatcher: undefined }),
    findAccount: (_context, id) => ({ accountId: id, claims: async () => ({ ...person, sub: id }) }),
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    enabledJWA: {
      clientAuthSigningAlgValues: ['RS256', 'PS256', 'ES256'],
      idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'],
      userinfoSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'],
      requestObjectSigningAlgValues: ['RS256', 'PS256', 'ES256'],
    },
    features: {
      devInteractions: { enabled: true },
      encryption: { enabled: true },
      jwtUserinfo: { enabled: true },
      pushedAuthorizationRequests: { enabled: false },
      requestObjects: { enabled: true },
      ...wanted.features,
    },
  });
  provider.on('server_error', (_context, error) => console.error(error));
  answer = provider.callback();
  return { issuer };
}

server.listen(0, '127.0.0.1', () => {
  createInterface({ input: process.stdin }).on('line', (line) => {
    let told;
    try {
      told = configure(JSON.parse(line));
    } catch (error) {
      told = { error: String(error.stack) };
    }
    process.stdout.write(`${JSON.stringify(told)}\n`);
  }).on('close', () => process.exit(0));
});
