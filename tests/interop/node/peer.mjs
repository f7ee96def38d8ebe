// Answers one JSON request a line with one JSON line: {"value": ...} or {"error": ...}.
import { createInterface } from 'node:readline';
import * as jose from 'jose';
import { signReference, signReferenceToken, signRequest, signWebhook, verifyWebhook } from './flow.mjs';
import { canonical, signAsTheOriginal, signVersion2 } from './identity.mjs';
import { generateJWS } from './original.mjs';

const bytes = (text) => new TextEncoder().encode(text);
const text = (octets) => new TextDecoder().decode(octets);
const SYMMETRIC = { A128KW: 'A128KW', A128GCMKW: 'A128GCMKW', dir: null };

async function generate({ alg, enc }) {
  if (alg in SYMMETRIC) {
    return jose.exportJWK(await jose.generateSecret(SYMMETRIC[alg] ?? enc, { extractable: true }));
  }
  const { privateKey } = await jose.generateKeyPair(alg, { extractable: true });
  return jose.exportJWK(privateKey);
}

const operations = {
  original: ({ body, jwk }) => generateJWS(body, JSON.stringify(jwk)),
  generate,
  identityOriginal: signAsTheOriginal,
  identityV2: signVersion2,
  reference: signReference,
  referenceToken: signReferenceToken,
  request: signRequest,
  verifyWebhook,
  signWebhook,
  canonical: ({ texts }) => texts.map((json) => canonical(JSON.parse(json))),
  numbers: ({ octets }) => octets.map((hex) => JSON.stringify(Buffer.from(hex, 'hex').readDoubleBE())),
  thumbprint: ({ jwk }) => jose.calculateJwkThumbprint(jwk),
  sign: async ({ payload, header, jwk }) =>
    new jose.CompactSign(bytes(payload)).setProtectedHeader(header).sign(await jose.importJWK(jwk, header.alg)),
  verify: async ({ compact, jwk, alg }) => {
    const key = await jose.importJWK(jwk, alg);
    return text((await jose.compactVerify(compact, key, { algorithms: [alg] })).payload);
  },
  encrypt: async ({ plaintext, header, jwk }) =>
    new jose.CompactEncrypt(bytes(plaintext)).setProtectedHeader(header).encrypt(await jose.importJWK(jwk, header.alg)),
  decrypt: async ({ compact, jwk, alg, enc }) => {
    const key = await jose.importJWK(jwk, alg);
    const options = { keyManagementAlgorithms: [alg], contentEncryptionAlgorithms: [enc] };
    return text((await jose.compactDecrypt(compact, key, options)).plaintext);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { operation, ...given } = JSON.parse(line);
  let answer;
  try {
    answer = { value: await operations[operation](given) };
  } catch (error) {
    answer = { error: `${error.code ?? error.name}: ${error.message}` };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
