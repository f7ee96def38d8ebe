/** The names that the script and the npm module give a page, and those that they leave alone. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, afterEach, before, test } from "node:test";
import { start, VERSION } from "./fixtures.mjs";
import { error, framed, logged, mount, visit } from "./page.mjs";

let world;
before(async () => void (world = await start()));
after(() => world.stop());
afterEach(async () => {
  for (const context of world.browser.contexts()) await context.close();
});

const path = (options) => `/?${new URLSearchParams(options)}`;

test("the script gives accredit and Flow alone", async () => {
  const page = await visit(world);
  const given = await page.evaluate(() => [Object.keys(accredit), typeof Flow, typeof mmob]);
  assert.deepEqual(given, [["init", "boot", "connect"], "function", "undefined"]);
});

test("a Flow of the page's own is left alone and reported", async () => {
  const page = await visit(world, path({ before: `<script>window.Flow = "theirs"</script>` }));
  assert.deepEqual(await page.evaluate(() => [Flow, typeof accredit.init]), ["theirs", "function"]);
  assert.match(page.errors.join(), /window\.Flow/);
});

test('data-global="mmob" also gives mmob.init', async () => {
  const page = await visit(world, path({ tag: 'data-global="mmob"' }));
  assert.equal(await page.evaluate(() => mmob.init === accredit.init), true);
});

test("names that the page uses are left alone and reported", async () => {
  const page = await visit(
    world,
    path({ tag: 'data-global="mmob"', before: `<script>window.mmob = "theirs"</script>` }),
  );
  assert.deepEqual(await page.evaluate(() => [mmob, typeof accredit.init]), ["theirs", "function"]);
  assert.match(page.errors.join(), /window\.mmob/);
});

test("the script twice is the script once", async () => {
  const page = await visit(
    world,
    path({
      before: `<script src="${world.accredit.origin}/sdk/accredit.js"></script><script>window.first = accredit</script>`,
    }),
  );
  assert.equal(await page.evaluate(() => first === accredit), true);
  assert.match(page.errors.join(), /window\.accredit/);
});

test("elements whose ids shine through on window are in nobody's way", async () => {
  const page = await visit(
    world,
    path({ tag: 'data-global="mmob"', before: `<div id="accredit"></div><div id="mmob"></div>` }),
  );
  assert.deepEqual(await page.evaluate(() => [typeof accredit.init, typeof mmob.init]), ["function", "function"]);
  assert.deepEqual(page.errors, []);
});

test("an element that poses as the current script does not choose where people's data is posted", async () => {
  const page = await visit(world, path({ before: `<img name="currentScript" src="https://evil.example/x.png">` }));
  await page.evaluate(() => void mount({}));
  assert.deepEqual(await logged(page, 1), [error("field_missing")]);
});

test("the npm module wants base_url and then works like the script", async () => {
  const page = await visit(world);
  await page.evaluate(async (base_url) => {
    const { init, boot, ERRORS } = await import("/accredit.mjs");
    const fields = {
      deployer_id: "d",
      integration_id: "app",
      owner_id: "o",
      location: "#one",
      on_error: ({ code }) => log.push(ERRORS[code]),
    };
    init(fields);
    window.handle = init({ ...fields, base_url });
    const ids = { cp_id: "c", cp_deployment_id: "app", customerInfo: {} };
    boot({ ...ids, marketplace_url: base_url, location: "#two" });
  }, world.accredit.origin);
  await framed(page);
  await framed(page, "#two");
  assert.deepEqual(await logged(page, 1), ["A required field is missing."]);
});

test("the npm module's Flow wants baseUrl and then works like the script's", async () => {
  const page = await visit(world);
  await page.evaluate(async (baseUrl) => {
    const { Flow } = await import("/accredit.mjs");
    const options = { publishableKey: "p", templateId: "hosted", user: { customerReference: "user-1" } };
    for (const each of [options, { ...options, baseUrl }]) {
      const flow = new Flow(each);
      flow.on("error", ({ code }) => log.push(code));
      flow.open();
    }
  }, world.accredit.origin);
  await framed(page, "dialog");
  assert.deepEqual(await logged(page, 1), ["field_missing"]);
});

test("the npm module can be loaded where there is no page", async () => {
  const { init, boot, connect, Flow, ERRORS } = await import("../dist/accredit.mjs");
  for (const call of [init, boot, connect, Flow]) assert.equal(typeof call, "function");
  assert.ok(ERRORS.ids_mixed.length > 0);
});

test("integrity.json tells the script's hash, and the served copy is the same", async () => {
  const read = (name) => readFile(new URL(name, import.meta.url));
  const { version, integrity, bytes, gzip_bytes } = JSON.parse(await read("../dist/integrity.json"));
  const script = await read("../../src/accredit/server/sdk/accredit.js");
  assert.equal(version, VERSION);
  assert.equal(bytes, script.length);
  assert.ok(gzip_bytes <= 5120);
  const page = await visit(world);
  // The browser itself compares the hash.
  await page.evaluate(
    ({ origin, integrity }) =>
      new Promise((resolve, reject) => {
        const script = Object.assign(document.createElement("script"), {
          src: `${origin}/sdk/accredit.js`,
          crossOrigin: "",
          integrity,
        });
        Object.assign(script, { onload: resolve, onerror: () => reject(new Error("integrity")) });
        document.head.append(script);
      }),
    { origin: world.accredit.origin, integrity },
  );
});
