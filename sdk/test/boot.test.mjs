/** A boot: what its call posts and refuses, its renewal and its debug report (protocol-boot.md sections 3, 5 and 9). */

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { REPORT, start, VERSION } from "./fixtures.mjs";
import { call, error, framed, log, logged, mount, settle, status, until, visit } from "./page.mjs";

let world;
before(async () => void (world = await start()));
after(() => world.stop());
afterEach(async () => {
  for (const context of world.browser.contexts()) await context.close();
  const { posts, renewals, signatures } = world.accredit;
  posts.length = renewals.length = 0;
  signatures.clear();
});

const posts = () => world.accredit.posts;
const channelOf = (post = 0) => posts()[post].fields.channel;

/** The fields of a boot, without those that the tests' `mount` has for door embed. */
const BOOT = {
  deployer_id: undefined,
  integration_id: undefined,
  owner_id: undefined,
  cp_id: "cp_1",
  cp_deployment_id: "app",
  customerInfo: {},
};
const SIGNATURE = "1700000000:Y5oTx6RlqX0dLBLdfV98E93rtKTdnGFB2lWhYGURkNY=:0123456789abcdef0123456789abcdef";

test("takes an original's call, customer fields flat", async () => {
  const page = await visit(world, `/?${new URLSearchParams({ tag: 'data-global="mmob"' })}`);
  await page.evaluate((signature) => {
    mmob.init({
      customerInfo: {
        email: "zoë+1@example.com",
        first_name: "Zoë & Co=👩",
        surname: undefined,
        preferred_name: null,
        building_number: "81",
        dob: "1968-05-30T21:12:22.275Z",
        number_of_children: 2,
        ages_of_children: 0,
        smoker: "No",
        broadband: { provider: "Virgin Media", down_speed: null, ppm: "30" },
        meta: { plan: ["a", 1, null], nested: { deep: true } },
      },
      cp_id: "cp_1",
      cp_deployment_id: "app",
      location: "#one",
      signature,
      page: "energy",
      locale: "en_GB",
    });
  }, SIGNATURE);
  await framed(page);
  const [{ door, headers, body, fields }] = posts();
  assert.deepEqual([door, posts().length, headers.origin, headers.cookie], ["boot", 1, world.site.origin, undefined]);
  assert.equal([...new URLSearchParams(body).keys()].length, Object.keys(fields).length);
  assert.deepEqual(fields, {
    email: "zoë+1@example.com",
    first_name: "Zoë & Co=👩",
    building_number: "81",
    dob: "1968-05-30T21:12:22.275Z",
    number_of_children: "2",
    ages_of_children: "0",
    smoker: "No",
    "broadband[provider]": "Virgin Media",
    "broadband[ppm]": "30",
    meta: '{"plan":["a",1,null],"nested":{"deep":true}}',
    cp_id: "cp_1",
    cp_deployment_id: "app",
    signature: SIGNATURE,
    page: "energy",
    locale: "en_GB",
    channel: fields.channel,
    sdk: `accredit.js/${VERSION}`,
  });
});

test("posts values as JSON would hold them, and what has none not at all", async () => {
  const page = await visit(world);
  await page.evaluate((given) => {
    const customerInfo = {
      dob: new Date("1968-05-30T21:12:22.275Z"),
      partner_dob: new Date("never"),
      number_of_children: NaN,
      broadband: null,
      meta: "as it is",
      first_name: () => "Ada",
      smoker: true,
      county: "",
    };
    mount({ ...given, customerInfo });
  }, BOOT);
  await framed(page);
  const { cp_id, cp_deployment_id, channel, sdk, ...customer } = posts()[0].fields;
  assert.deepEqual(customer, { dob: "1968-05-30T21:12:22.275Z", meta: "as it is", smoker: "true", county: "" });
});

test("leaves out signature, page, locale and meta that are null", async () => {
  const page = await visit(world);
  await mount(page, {
    ...BOOT,
    signature: null,
    page: undefined,
    locale: "",
    marketplace_url: null,
    customerInfo: { meta: null },
  });
  assert.deepEqual(Object.keys(posts()[0].fields), ["cp_id", "cp_deployment_id", "channel", "sdk"]);
});

test("no member of customerInfo stands in for the call's own", async () => {
  const page = await visit(world);
  await mount(page, { ...BOOT, signature: "own", customerInfo: { cp_id: "cp_2", signature: "x", channel: "y", sdk: "z" } });
  const { fields } = posts()[0];
  assert.deepEqual(fields, { ...fields, cp_id: "cp_1", signature: "own", sdk: `accredit.js/${VERSION}` });
  assert.match(fields.channel, /^[\w-]{22}$/);
});

test("posts to marketplace_url, and listens to that origin alone", async () => {
  const page = await visit(world);
  const marketplace_url = world.accredit.origin.replace("127.0.0.1", "localhost");
  await call(page, { ...BOOT, cp_deployment_id: "refused", marketplace_url: `${marketplace_url}/` });
  assert.deepEqual(await logged(page, 1), [error("admission_refused", "req-1")]);
  assert.equal(`http://${posts()[0].headers.host}`, marketplace_url);
  const hosted = await mount(page, { ...BOOT, location: "#two", marketplace_url });
  // Of the script's origin, which is not the one that this boot was posted to.
  await hosted.goto(`${world.accredit.origin}/sdk/accredit.js`);
  await hosted.evaluate(
    (channel) => parent.postMessage({ accredit: 1, door: "boot", type: "refused", channel, code: "forged" }, "*"),
    channelOf(1),
  );
  await settle(page);
  assert.equal((await log(page)).length, 1);
});

test("accredit.boot is that door alone", async () => {
  const page = await visit(world);
  await page.evaluate(() => {
    accredit.boot({ cp_id: "cp_1", cp_deployment_id: "app", customerInfo: {}, location: "#one" });
    accredit.boot({ location: "#two", customerInfo: {}, on_error: ({ code }) => log.push(code) });
  });
  await framed(page);
  assert.deepEqual(await logged(page, 1), ["ids_missing"]);
  assert.match(page.errors.join(), /ids_missing cp_id/);
  assert.deepEqual(
    posts().map(({ door }) => door),
    ["boot"],
  );
});

const REFUSALS = [
  ["location_not_found", { location: undefined }],
  ["location_placeholder", { location: "#YOUR-TARGET-ELEMENT" }],
  ["ids_missing", { cp_id: undefined }, "cp_id"],
  ["ids_missing", { cp_deployment_id: "" }, "cp_deployment_id"],
  ["ids_missing", { cp_id: null, cp_deployment_id: null }, "deployer_id"],
  ["ids_mixed", { deployer_id: "deployer-1" }],
  ["ids_mixed", { owner_id: "owner-1", cp_deployment_id: undefined }],
  ["ids_mixed", { signed_deployment: "h.p.s" }],
  ["placeholder_left", { cp_id: "{{YOUR-CP-ID}}" }, "cp_id"],
  ["placeholder_left", { cp_deployment_id: "{{YOUR-CP-DEPLOYMENT-ID}}" }, "cp_deployment_id"],
  ["placeholder_left", { signature: "{{YOUR-SIGNATURE}}" }, "signature"],
  ["placeholder_left", { customerInfo: { email: "{{YOUR-VALUE}}" } }, "email"],
  ["placeholder_left", { customerInfo: { broadband: { provider: "{{YOUR-VALUE}}" } } }, "broadband[provider]"],
  ["field_missing", { customerInfo: undefined }, "customerInfo"],
  ["field_missing", { customerInfo: null }, "customerInfo"],
  ["field_invalid", { customerInfo: "ada@example.com" }, "customerInfo"],
  ["field_invalid", { customerInfo: ["ada@example.com"] }, "customerInfo"],
  ...[
    "",
    "/",
    "accredit.example",
    "//accredit.example",
    "javascript:alert(1)",
    "http://accredit.example",
    "http://localhost.example",
    "http://localhost:x@accredit.example",
    "http://127.0.0.10",
    "https://user@accredit.example",
    "https://accredit.example/path",
    "https://accredit.example?query",
    "https://accredit.example#",
    "https://[",
    "https://",
    7,
  ].map((marketplace_url) => ["field_invalid", { marketplace_url }, "marketplace_url"]),
];

test("refuses in the page, with a code and the member's name, without a request", async () => {
  const page = await visit(world);
  for (const [code, options, member = ""] of REFUSALS) {
    await page.evaluate(() => void (log.length = 0));
    page.errors.length = 0;
    await call(page, { ...BOOT, ...options });
    assert.deepEqual(await logged(page, 1), [error(code)], JSON.stringify(options));
    assert.equal(await status(page), "refused");
    assert.deepEqual(
      page.errors.map((text) => text.trim()),
      [`accredit: ${code} ${member}`.trim()],
    );
  }
  await settle(page);
  assert.equal(await page.$("iframe"), null);
  assert.deepEqual(posts(), []);
});

test("takes an https marketplace_url", async () => {
  const page = await visit(world);
  await page.route("https://integration.example/**", (route) => route.fulfill({ body: "there" }));
  const asked = page.waitForRequest("https://integration.example/boot");
  await call(page, { ...BOOT, marketplace_url: "https://integration.example" });
  assert.equal((await asked).method(), "POST");
});

test("finds a server below a path by base_url, where no marketplace_url is told", async () => {
  const page = await visit(world);
  await page.route("https://www.example/**", (route) => route.fulfill({ body: "there" }));
  const asked = page.waitForRequest("https://www.example/accredit/boot");
  await call(page, { ...BOOT, base_url: "https://www.example/accredit/" });
  assert.equal((await asked).method(), "POST");
  await mount(page, { ...BOOT, location: "#two", base_url: "https://www.example", marketplace_url: world.accredit.origin });
  assert.equal(posts().length, 1);
});

test("has no rules for a uid or a passport, which are not of this door", async () => {
  const page = await visit(world);
  await mount(page, { ...BOOT, uid: "anon_1", data_passport: { a: null }, view_id: "summary" });
  assert.deepEqual(Object.keys(posts()[0].fields), ["cp_id", "cp_deployment_id", "channel", "sdk"]);
});

test("a framework that mounts twice posts the signature once", async () => {
  const page = await visit(world);
  const same = await page.evaluate(
    async (given) => {
      const first = mount(given);
      first.destroy();
      const second = mount({ ...given, customerInfo: { ...given.customerInfo } });
      return first === second && second === mount(given);
    },
    { ...BOOT, signature: SIGNATURE },
  );
  const frame = await framed(page);
  await frame.evaluate(() => connection.ready());
  assert.deepEqual(await logged(page, 1), [["ready", { expires_at: null }]]);
  assert.deepEqual([same, posts().length], [true, 1]);
});

test("a reload posts the signature again and is refused, as a signature is one boot", async () => {
  const page = await visit(world);
  await mount(page, { ...BOOT, signature: SIGNATURE });
  await page.reload();
  await call(page, { ...BOOT, signature: SIGNATURE });
  assert.deepEqual(await logged(page, 1), [error("admission_refused", "req-1")]);
  assert.deepEqual([await status(page), posts().length], ["refused", 2]);
});

test("other customer fields, and the other door, are another call", async () => {
  const page = await visit(world);
  await mount(page, BOOT);
  await call(page, { ...BOOT, customerInfo: { email: "ada@example.com" } });
  await call(page, {});
  assert.deepEqual(await logged(page, 2), [error("already_mounted"), error("already_mounted")]);
  assert.equal(posts().length, 1);
});

test("a renewal sends a fresh signature with the fields of the call", async () => {
  const page = await visit(world);
  await page.evaluate((given) => void mount({ ...given, on_renew: async () => ({ signature: "fresh" }) }), {
    ...BOOT,
    signature: SIGNATURE,
    customerInfo: { email: "ada@example.com", broadband: { ppm: "30" } },
  });
  const frame = await framed(page);
  await frame.evaluate(() => connection.renew_needed());
  await frame.waitForFunction(() => heard.length);
  const [{ door, headers, fields }] = world.accredit.renewals;
  assert.deepEqual([door, headers.origin, headers.cookie], ["boot", world.site.origin, undefined]);
  assert.deepEqual(fields, { ...posts()[0].fields, signature: "fresh" });
  assert.equal(fields["broadband[ppm]"], "30");
  assert.deepEqual(await log(page), []);
});

test("a fresh signature is checked in the page like that of the call", async () => {
  const page = await visit(world);
  await mount(page, { ...BOOT, signature: SIGNATURE });
  await page.evaluate(() => handle.renew({ signature: "{{YOUR-SIGNATURE}}" }));
  assert.deepEqual(await logged(page, 1), [error("placeholder_left")]);
  assert.deepEqual(world.accredit.renewals, []);
});

test("a page that hides its origin is asked for it", async () => {
  const page = await visit(world, "/no-referrer");
  await mount(page, { ...BOOT, customerInfo: { email: "ada@example.com" } });
  const [first, second] = posts();
  assert.equal(first.headers.origin, "null");
  assert.deepEqual(second.fields, { ...first.fields, parent_origin: world.site.origin, origin_ticket: "ticket" });
});

test("window messages carry the door", async () => {
  const page = await visit(world);
  const frame = await mount(page, BOOT);
  await frame.evaluate(
    ({ channel, origin }) => {
      addEventListener("message", ({ data }) => heard.push(data));
      accredit.connect({ channel, origin, door: "boot" });
    },
    { channel: channelOf(), origin: world.site.origin },
  );
  await frame.waitForFunction(() => heard.length);
  const welcome = { accredit: 1, door: "boot", type: "welcome", channel: channelOf() };
  assert.deepEqual(await frame.evaluate(() => heard), [welcome]);
});

/** What the SDK writes to the page's console as warnings, as values. The browser has warnings of its own. */
function warnings(page) {
  const written = [];
  page.on("console", async (message) => {
    if (message.type() !== "warning" || !message.text().startsWith("accredit")) return;
    const values = message.args().map((argument) => argument.jsonValue());
    written.push(await Promise.all(values));
  });
  return written;
}

test("a debug report reaches console and on_event, and pins no origin", async () => {
  const page = await visit(world);
  const written = warnings(page);
  await call(page, { ...BOOT, cp_deployment_id: "debug", signature: SIGNATURE });
  assert.deepEqual(await logged(page, 1), [["event", { name: "debug", detail: REPORT }]]);
  await until(() => written.length);
  assert.deepEqual(written, [["accredit: boot debug", REPORT]]);
  assert.equal(await status(page), "loading");
  const shown = await (await page.$("#one iframe")).contentFrame();
  await shown.click("a");
  const frame = await framed(page);
  await frame.evaluate(() => connection.ready());
  assert.deepEqual((await logged(page, 2))[1], ["ready", { expires_at: null }]);
  assert.deepEqual([await status(page), page.errors], ["ready", []]);
});

test("a debug report is taken only from the frame, on its channel, from the server's origin", async () => {
  const page = await visit(world);
  const written = warnings(page);
  const frame = await mount(page, BOOT);
  const told = { accredit: 1, door: "boot", type: "debug", channel: channelOf(), report: { forged: true } };
  await page.evaluate((message) => postMessage(message, "*"), told);
  await frame.evaluate((message) => parent.postMessage(message, "*"), told);
  const other = await mount(page, { ...BOOT, location: "#two", cp_deployment_id: "hosted" });
  await other.evaluate((message) => parent.postMessage(message, "*"), told);
  await settle(page);
  assert.deepEqual([written, await log(page)], [[], []]);
});
