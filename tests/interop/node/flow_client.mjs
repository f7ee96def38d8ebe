// A customer's Node backend at the flow door, with nothing but Node. Reads one JSON object, writes what it was answered.
import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';

const given = JSON.parse(readFileSync(0, 'utf8'));

async function call(method, path, body) {
  const content = body === null ? '' : JSON.stringify(body);
  const date = new Date(given.now * 1000).toUTCString();
  const digest = `SHA-256=${createHash('sha256').update(content).digest('base64')}`;
  const text = `(request-target): ${method.toLowerCase()} ${path}\ndate: ${date}\ndigest: ${digest}`;
  const signature = createHmac('sha256', given.secret).update(text).digest('base64');
  const headers = {
    Date: date,
    Digest: digest,
    Authorization: `Signature keyId="${given.key_id}", algorithm="hmac-sha256", headers="(request-target) date digest", signature="${signature}"`,
    'Content-Type': 'application/json',
  };
  const answer = await fetch(given.url + path, { method, headers, body: body === null ? undefined : content });
  return { status: answer.status, body: await answer.json() };
}

const answers = [];
for (const each of given.calls) answers.push(await call(...each));
console.log(JSON.stringify(answers));
