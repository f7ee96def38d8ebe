/**
 * Real servers on several loopback origins, and a real Chromium.
 *
 * `accredit` plays the server's part of protocol-embed.md sections 3, 4 and 9, of protocol-boot.md sections 3 and 5 and of
 * protocol-flow.md sections 4 and 5, as far as a page can see it: what it answers is chosen by the posted integration_id,
 * cp_deployment_id or templateId. `app` is the owner's application; the codes that it "redeems" are read straight from
 * `accredit`. `site` is the deployer's page.
 */

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { chromium } from "playwright-core";

const dist = new URL("../dist/", import.meta.url);

export const VERSION = JSON.parse(await readFile(new URL("../package.json", import.meta.url))).version;

/** Everything a test file needs; `stop` ends it. */
export async function start() {
  const accredit = await startAccredit();
  const app = await startApp(accredit);
  accredit.app_url = `${app.origin}/`;
  const site = await startSite(accredit, app);
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  const stop = async () => {
    await browser.close();
    for (const { server } of [accredit, app, site]) {
      server.closeAllConnections();
      server.close();
    }
  };
  return { accredit, app, site, browser, stop };
}

async function serve(host, answer) {
  const server = createServer((request, response) => {
    answer(request, response, new URL(request.url, `http://${host}`)).catch((error) => {
      console.error(error);
      response.writeHead(500).end();
    });
  });
  server.listen(0, host);
  await once(server, "listening");
  return { server, origin: `http://${host}:${server.address().port}` };
}

function html(response, body, { status = 200, ...headers } = {}) {
  response
    .writeHead(status, { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", ...headers })
    .end(body);
}

/** JSON that is safe inside a script element. */
const inScript = (value) => JSON.stringify(value).replace(/</g, "\\u003c");

async function startAccredit() {
  const accredit = { posts: [], renewals: [], leaks: [], codes: new Map(), signatures: new Set() };
  Object.assign(
    accredit,
    await serve("127.0.0.1", (request, response, url) => answerAccredit(accredit, request, response, url)),
  );
  return accredit;
}

async function answerAccredit(accredit, request, response, { pathname }) {
  if (request.method === "GET" && pathname.startsWith("/sdk/")) {
    const script = await readFile(new URL(pathname.slice(5), dist));
    response.writeHead(200, { "Content-Type": "text/javascript", "Access-Control-Allow-Origin": "*" }).end(script);
    return;
  }
  const body = (await request.toArray()).join("");
  const [, door, renewal] = (request.method === "POST" && pathname.match(/^\/(embed|boot|flow|leaks\/browser)(\/renew)?$/)) || [];
  const post = { door, headers: request.headers, body, fields: Object.fromEntries(new URLSearchParams(body)) };
  if (renewal) {
    accredit.renewals.push(post);
    answerRenewal(accredit, post, response);
  } else if (door === "leaks/browser") {
    accredit.leaks.push(post);
    response.writeHead(204).end();
  } else if (door) {
    accredit.posts.push(post);
    answerDoor(accredit, post, response);
  } else response.writeHead(404).end();
}

/** Whether the signature of a boot is there for the first time, or there is none. */
function takeSignature({ signatures }, door, { signature }) {
  if (door !== "boot") return true;
  const fresh = !signatures.has(signature);
  if (signature) signatures.add(signature);
  return fresh;
}

function answerDoor(accredit, { door, headers, fields }, response) {
  const origin = headers.origin === accredit.origin && fields.origin_ticket ? fields.parent_origin : headers.origin;
  if (origin === "null" && fields.channel)
    return html(response, originWantedPage(accredit, door, fields), { "Referrer-Policy": "same-origin" });
  const visit = { origin, channel: fields.channel, door };
  const asked = fields.integration_id ?? fields.cp_deployment_id ?? fields.templateId ?? "app";
  switch (takeSignature(accredit, door, fields) ? asked : "refused") {
    case "app":
      return response.writeHead(303, { Location: `${accredit.app_url}?code=${issueCode(accredit, visit)}` }).end();
    case "hosted":
      return html(response, framePage(accredit, visit), { "Referrer-Policy": "no-referrer" });
    case "quiet":
      return html(response, "<p>An application that never connects.</p>");
    case "silent":
      return; // No answer at all: the frame does not load.
    case "debug": {
      const link = `<a href="${accredit.app_url}?code=${issueCode(accredit, visit)}">Go on</a>`;
      return html(response, link + tellingScript(visit, { type: "debug", report: REPORT }));
    }
    case "expired":
      if (fields.signature === "fresh") return html(response, framePage(accredit, visit));
    // falls through
    default: {
      const script = tellingScript(visit, { type: "refused", ...refusal(fields) });
      return html(response, `<p>Refused.</p>${script}`, { status: 403, "Referrer-Policy": "no-referrer" });
    }
  }
}

/** A part of a debug report. */
export const REPORT = {
  level: "SECURE_IDENTITY_DEBUG",
  would_admit: false,
  code: "mac_mismatch",
  checks: [{ check: "mac", result: "fail", code: "mac_mismatch" }],
};

function tellingScript({ door, channel, origin }, message) {
  const told = { accredit: 1, door, channel, ...message };
  return `<script>parent.postMessage(${inScript(told)}, ${inScript(origin)})</script>`;
}

const refusal = ({ view_id, templateId, locale }) => ({
  code: templateId === "expired" ? "token_expired" : "admission_refused",
  request_id: "req-1",
  ...(templateId && { message: "This site was not admitted." }),
  ...((view_id ?? locale) === "debug" && { reason: "jws_malformed" }),
});

function issueCode(accredit, visit) {
  const code = randomBytes(32).toString("base64url");
  accredit.codes.set(code, visit);
  return code;
}

function answerRenewal(accredit, { door, headers, fields }, response) {
  const cors = { "Access-Control-Allow-Origin": headers.origin, Vary: "Origin" };
  if (fields.view_id === "broken") return response.writeHead(502, cors).end("<h1>Bad gateway</h1>");
  if (fields.view_id === "refused") {
    response
      .writeHead(403, { ...cors, "Content-Type": "application/problem+json" })
      .end(JSON.stringify(refusal(fields)));
    return;
  }
  const code = issueCode(accredit, { origin: headers.origin, channel: fields.channel, door });
  const expires_at = new Date(Date.now() + 60_000).toISOString();
  response.writeHead(200, { ...cors, "Content-Type": "application/json" }).end(JSON.stringify({ code, expires_at }));
}

function originWantedPage({ origin }, door, fields) {
  return `<script>
    const fields = ${inScript(fields)};
    addEventListener("message", (event) => {
      const { accredit, type, channel } = event.data;
      if (event.source !== parent || accredit !== 1 || type !== "origin" || channel !== fields.channel) return;
      const form = document.createElement("form");
      form.method = "post";
      form.action = ${inScript(`${origin}/${door}`)};
      const posted = { ...fields, parent_origin: event.origin, origin_ticket: "ticket" };
      for (const [name, value] of Object.entries(posted)) {
        const input = document.createElement("input");
        Object.assign(input, { type: "hidden", name, value });
        form.append(input);
      }
      document.documentElement.append(form);
      form.submit();
    });
    parent.postMessage({ accredit: 1, door: ${inScript(door)}, type: "origin_wanted", channel: fields.channel }, "*");
  </script>`;
}

/** A page that connects, as the application's and Accredit's own do. Tests go on from its `connection`. */
function framePage({ origin }, visit) {
  return `<!doctype html><title>Framed</title><p>Framed</p><button>Within</button><script src="${origin}/sdk/accredit.js"></script><script>
    window.heard = [];
    window.connection = accredit.connect({
      ...${inScript(visit)},
      on_renewed: (renewed) => heard.push(["renewed", renewed]),
      on_renew_failed: (failed) => heard.push(["renew_failed", failed]),
    });
  </script>`;
}

async function startApp(accredit) {
  return serve("127.0.0.2", async (request, response, { searchParams }) => {
    const visit = accredit.codes.get(searchParams.get("code"));
    html(response, visit ? framePage(accredit, visit) : "<p>Nothing to see</p>");
  });
}

async function startSite(accredit, app) {
  return serve("127.0.0.3", async (request, response, { pathname, searchParams }) => {
    if (pathname === "/accredit.mjs") {
      response.writeHead(200, { "Content-Type": "text/javascript" }).end(await readFile(new URL("accredit.mjs", dist)));
      return;
    }
    const headers = {};
    if (pathname === "/no-referrer") headers["Referrer-Policy"] = "no-referrer";
    if (pathname === "/strict") headers["Content-Security-Policy"] = strictPolicy(accredit, app);
    if (pathname === "/latin") headers["Content-Type"] = "text/html; charset=iso-8859-1";
    html(response, sitePage(accredit, searchParams), headers);
  });
}

/** What README.md says a page must allow, and nothing besides. */
function strictPolicy(accredit, app) {
  const frames = `${accredit.origin} ${app.origin}`;
  return (
    `default-src 'none'; base-uri 'none'; script-src 'nonce-n0nce'; frame-src ${frames}; form-action ${frames}; ` +
    `connect-src ${accredit.origin}; require-trusted-types-for 'script'; trusted-types 'none'`
  );
}

/** `before` is put in front of the script, `tag` into its tag. `mount` is init with good fields and a log of what is told. */
function sitePage(accredit, searchParams) {
  const tag = `<script nonce="n0nce" src="${accredit.origin}/sdk/accredit.js" ${searchParams.get("tag") ?? ""}></script>`;
  return `<!doctype html><title>Shop</title>
    <button id="start">Verify</button>
    <div id="one" class="place"></div><div id="two" class="place"></div>
    <script nonce="n0nce">
      window.log = [];
      window.violations = [];
      addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));
      for (const place of document.querySelectorAll(".place")) Object.assign(place.style, { width: "600px", height: "300px" });
      window.mount = (options) => accredit.init({
        deployer_id: "deployer-1", integration_id: "app", owner_id: "owner-1", location: "#one",
        on_ready: (ready) => log.push(["ready", ready]),
        on_event: (event) => log.push(["event", event]),
        on_error: (fault) => log.push(["error", fault]),
        ...options,
      });
    </script>${searchParams.get("before") ?? ""}${tag}`;
}
