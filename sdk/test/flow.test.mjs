/** Class Flow: what it posts, shows, tells and refuses (protocol-flow.md section 4). */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { after, afterEach, before, test } from "node:test";
import { signReference } from "../../examples/reference/node/sign.mjs";
import { start, VERSION } from "./fixtures.mjs";
import { framed, log, logged, pause, settle, stopClock, until, visit } from "./page.mjs";

let world;
before(async () => void (world = await start()));
after(() => world.stop());
afterEach(async () => {
  for (const context of world.browser.contexts()) await context.close();
  world.accredit.posts.length = world.accredit.leaks.length = 0;
});

const posts = () => world.accredit.posts;
const VECTORS = JSON.parse(await readFile(new URL("../../tests/vectors/flow.json", import.meta.url))).cases;

const OPTIONS = {
  publishableKey: `live_publishable_key_${"1".repeat(32)}`,
  templateId: "hosted",
  user: { customerReference: "user-1" },
};
const OPENED = { topic: "ui", action: "opened" };
const CLOSED = { topic: "ui", action: "closed" };
const CREATED = { topic: "session", action: "created", data: { id: "flwses_1" } };
const PASSED = { topic: "session", action: "passed" };
/** An error; its message begins with its code. */
const told = (code, text = "", request_id = null) => ({ topic: "error", message: `${code} ${text}`.trim(), code, request_id });
const NOT_ADMITTED = "This site was not admitted.";

/** Makes `window.flow` with a log of all that it tells, and opens it. `signatures`: what its getSignature gives, one by one. */
async function open(page, { signatures, ...options } = {}) {
  await page.evaluate(
    ([given, texts]) => {
      if (texts) given.getSignature = async () => texts.shift();
      window.flow = new Flow(given);
      flow.on("all", (object) => log.push(object));
      flow.on("status", (object) => log.push(object));
      flow.open();
    },
    [{ ...OPTIONS, ...options }, signatures],
  );
}

const inModal = (page) => framed(page, "dialog");

/** Opens a modal and has its frame say that it is ready. */
async function show(page, options = {}) {
  await open(page, options);
  const frame = await inModal(page);
  await frame.evaluate(() => connection.ready());
  await logged(page, 1);
  return frame;
}

test("posts exactly the options, in one form", async () => {
  const page = await visit(world);
  await open(page, {
    user: { customerReference: "Zoë & Söhne=1", signature: "s", email: "zoë@example.com", name: "Zoë" },
    locale: "fr",
    nonce: "n0nce",
  });
  await inModal(page);
  const [{ door, headers, body, fields }] = posts();
  assert.deepEqual([door, posts().length, headers.origin, headers.cookie], ["flow", 1, world.site.origin, undefined]);
  assert.equal([...new URLSearchParams(body).keys()].length, Object.keys(fields).length);
  assert.match(fields.channel, /^[A-Za-z0-9_-]{21}[AQgw]$/);
  assert.deepEqual(fields, {
    publishableKey: OPTIONS.publishableKey,
    templateId: "hosted",
    locale: "fr",
    customerReference: "Zoë & Söhne=1",
    signature: "s",
    email: "zoë@example.com",
    channel: fields.channel,
    sdk: `accredit.js/${VERSION}`,
  });
});

test("a reference may be a number, and a token may name it", async () => {
  const page = await visit(world);
  for (const [user, posted] of [
    [{ customerReference: 4711 }, { customerReference: "4711" }],
    [{ customerReference: 0 }, { customerReference: "0" }],
    [{ signature: "h.p.s", email: null }, { signature: "h.p.s" }],
  ]) {
    await open(page, { user });
    await inModal(page);
    await page.evaluate(() => flow.close());
    const { publishableKey, templateId, channel, sdk, ...rest } = posts().at(-1).fields;
    assert.deepEqual(rest, posted);
  }
});

test("a page of the original works unchanged but for address and keys", async () => {
  const page = await visit(world);
  const customerReference = "3a409367-a417-4d46-9a92-3d7bc5dc4605";
  await page.evaluate((currentUser) => Object.assign(window, { currentUser }), {
    id: customerReference,
    email: "jane@example.com",
    flowSignature: signReference(`live_secret_${"abcd1234".repeat(8)}`, customerReference),
  });
  await page.addScriptTag({
    content: `
  const flow = new Flow({
    publishableKey: "live_publishable_key_11111111111111111111111111111111",
    templateId: "hosted",
    user: {
      customerReference: currentUser.id,
      email: currentUser.email,
      signature: currentUser.flowSignature
    }
  });`,
  });
  await page.evaluate(() => flow.open());
  await inModal(page);
  assert.equal(posts()[0].fields.signature, "yw0hqBPOIWcHPFZBsaMPnxktOrWwWkZcWP+TneV5D48=");
});

test("builds dialog and frame as documented", async () => {
  const page = await visit(world);
  await open(page);
  await inModal(page);
  const built = await page.$eval("dialog", (dialog) => {
    const frame = dialog.querySelector("iframe");
    return {
      label: dialog.getAttribute("aria-label"),
      lang: dialog.lang,
      close: dialog.querySelector("button").getAttribute("aria-label"),
      name: frame.name,
      title: frame.title,
      src: frame.src,
      allow: frame.allow,
      sandbox: frame.getAttribute("sandbox"),
    };
  });
  assert.deepEqual(built, {
    label: "Verification",
    lang: "en",
    close: "Close",
    name: `accredit_${posts()[0].fields.channel}`,
    title: "Embedded application",
    src: "",
    allow: "geolocation *; clipboard-read *; clipboard-write *; fullscreen *; camera *; microphone *",
    sandbox:
      "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox allow-downloads " +
      "allow-storage-access-by-user-activation",
  });
});

test("the modal is shown on ready, and each topic is told its objects in their order", async () => {
  const page = await visit(world);
  await page.evaluate((options) => {
    window.flow = new Flow(options);
    for (const topic of ["ui", "error", "errors", "session", "status", "all", "other"])
      flow.on(topic, (object) => log.push([topic, object]));
    flow.open();
  }, OPTIONS);
  const frame = await inModal(page);
  assert.equal(await page.isVisible("dialog"), false);
  const review = { topic: "status", status: "pending_review", data: { id: "flwses_1" } };
  const said = { topic: "error", message: "The step is over.", code: "step_not_active", request_id: "req-2" };
  const error = told("step_not_active", "The step is over.", "req-2");
  await frame.evaluate(
    ([created, passed, review, said]) => {
      connection.ready();
      connection.event("session", created);
      connection.event("status", review);
      connection.event("error", said);
      connection.event("session", passed);
      connection.event("debug", {});
      connection.ready();
      connection.close();
    },
    [CREATED, PASSED, review, said],
  );
  const expected = [
    ["ui", OPENED],
    ["all", OPENED],
    ["session", CREATED],
    ["all", CREATED],
    ["status", review],
    ["error", error],
    ["errors", error],
    ["all", error],
    ["session", PASSED],
    ["all", PASSED],
    ["ui", CLOSED],
    ["all", CLOSED],
  ];
  assert.deepEqual(await logged(page, expected.length), expected);
  assert.equal(await page.$("dialog"), null);
  assert.deepEqual(page.errors.map((text) => text.trim()), ["accredit: step_not_active The step is over. req-2"]);
});

test("open does nothing while open, and posts again later", async () => {
  const page = await visit(world);
  const frame = await show(page);
  await page.evaluate(() => flow.open());
  assert.equal(await page.evaluate(() => flow.open()), undefined);
  await frame.evaluate(() => connection.close());
  await logged(page, 2);
  assert.equal(posts().length, 1);
  await page.evaluate(() => flow.open());
  await (await inModal(page)).evaluate(() => connection.ready());
  assert.deepEqual(await logged(page, 3), [OPENED, CLOSED, OPENED]);
  assert.equal(posts().length, 2);
  assert.notEqual(posts()[0].fields.channel, posts()[1].fields.channel);
});

test("close may come at any time", async () => {
  const page = await visit(world);
  await page.evaluate((options) => new Flow(options).close(), OPTIONS);
  await open(page);
  const frame = await inModal(page);
  await page.evaluate(() => flow.close());
  await until(() => frame.isDetached());
  await page.evaluate(() => flow.close());
  assert.deepEqual(await log(page), []);
  await show(page);
  await page.evaluate(() => {
    flow.close();
    flow.close();
  });
  assert.deepEqual(await logged(page, 2), [OPENED, CLOSED]);
  await settle(page);
  assert.equal((await log(page)).length, 2);
});

test("close and open in one task open anew", async () => {
  const page = await visit(world);
  await show(page);
  await page.evaluate(() => {
    flow.close();
    flow.open();
  });
  await (await inModal(page)).evaluate(() => connection.ready());
  assert.deepEqual(await logged(page, 3), [OPENED, CLOSED, OPENED]);
  await settle(page);
  assert.equal(await page.isVisible("dialog"), true);
});

test("close while a signature is fetched posts nothing and tells nothing", async () => {
  const page = await visit(world);
  await page.evaluate((options) => {
    const getSignature = () => new Promise((resolve, reject) => (window.answers ??= []).push([resolve, reject]));
    window.flow = new Flow({ ...options, getSignature });
    flow.on("all", (object) => log.push(object));
    addEventListener("unhandledrejection", (event) => event.preventDefault());
    for (let opening = 0; opening < 2; opening++) {
      flow.open();
      flow.close();
    }
    answers[0][0]("s");
    answers[1][1](new Error("mine"));
  }, OPTIONS);
  await settle(page);
  assert.deepEqual([posts(), await log(page)], [[], []]);
});

test("a page that replaces its body keeps the modal", async () => {
  const page = await visit(world);
  await show(page);
  await page.evaluate(() => document.body.replaceWith(document.createElement("body")));
  assert.equal(await page.isVisible("dialog"), true);
});

test("on gives back what ends it; a handler that throws stops no other and is heard of", async () => {
  const page = await visit(world);
  await page.evaluate((options) => {
    addEventListener("unhandledrejection", ({ reason }) => log.push(reason.message));
    window.flow = new Flow(options);
    const same = (object) => log.push(object.action);
    const off = flow.on("ui", same);
    flow.on("ui", () => {
      throw new Error("mine");
    });
    flow.on("ui", same);
    flow.on("ui", null);
    flow.on(undefined, same);
    flow.on("ui", () => {
      off();
      off();
    });
    flow.open();
  }, OPTIONS);
  await (await inModal(page)).evaluate(() => {
    connection.ready();
    connection.close();
  });
  const entries = await logged(page, 5);
  assert.deepEqual(
    entries.filter((entry) => entry !== "mine"),
    ["opened", "opened", "closed"],
  );
  assert.equal(entries.length, 5);
});

test("a refusal shows no modal and is told with its text", async () => {
  const page = await visit(world);
  await open(page, { templateId: "refused" });
  const refused = told("admission_refused", NOT_ADMITTED, "req-1");
  assert.deepEqual(await logged(page, 1), [refused]);
  assert.equal(await page.$("dialog"), null);
  assert.match(page.errors.at(-1), /^accredit: admission_refused This site was not admitted. req-1/);
  await page.evaluate(() => flow.open());
  assert.deepEqual(await logged(page, 2), [refused, refused]);
});

test("the console names the reason while the template is debugged", async () => {
  const page = await visit(world);
  await open(page, { templateId: "refused", locale: "debug" });
  assert.deepEqual(await logged(page, 1), [told("admission_refused", NOT_ADMITTED, "req-1")]);
  assert.match(page.errors.at(-1), / jws_malformed$/);
});

const MISTAKES = [
  ["ids_missing", "publishableKey", { publishableKey: undefined }],
  ["ids_missing", "publishableKey", { publishableKey: "" }],
  ["ids_missing", "templateId", { templateId: null }],
  ["customer_reference_invalid", "customerReference", { user: { customerReference: "" } }],
  ["customer_reference_invalid", "customerReference", { user: { customerReference: {} } }],
  ["customer_reference_invalid", "customerReference", { user: { customerReference: ["user-1"] } }],
  ["customer_reference_invalid", "customerReference", { user: { customerReference: true } }],
  ["customer_reference_invalid", "customerReference", { user: { customerReference: NaN } }],
  ["customer_reference_invalid", "customerReference", { user: { customerReference: "a\nb" } }],
  ["customer_reference_invalid", "customerReference", { user: { customerReference: "a\ud83d" } }],
  ["placeholder_left", "templateId", { templateId: "{{YOUR-TEMPLATE}}" }],
  ["placeholder_left", "signature", { user: { customerReference: "a", signature: "{{YOUR-SIGNATURE}}" } }],
  ["field_invalid", "baseUrl", { baseUrl: "/accredit" }],
  ["field_missing", "baseUrl", { baseUrl: "" }],
];

test("mistakes of the page are told before anything is posted, by code and member", async () => {
  const page = await visit(world);
  for (const [code, member, options] of MISTAKES) {
    page.errors.length = 0;
    await page.evaluate(() => void (log.length = 0));
    await open(page, options);
    assert.deepEqual(await logged(page, 1), [told(code, member)], JSON.stringify(options));
    assert.deepEqual(page.errors.map((text) => text.trim()), [`accredit: ${code} ${member}`]);
    assert.equal(await page.$("dialog"), null);
  }
  assert.deepEqual(posts(), []);
});

test("never throws, whatever it is given", async () => {
  const page = await visit(world);
  const codes = await page.evaluate(async () => {
    const hostile = {
      get user() {
        throw new Error("mine");
      },
    };
    const seen = [];
    for (const options of [undefined, null, "text", hostile]) {
      const flow = new Flow(options);
      flow.on("errors", ({ code }) => seen.push(code));
      flow.open();
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    return seen;
  });
  assert.deepEqual(codes.sort(), ["ids_missing", "ids_missing", "ids_missing", "internal_error"]);
  assert.deepEqual(posts(), []);
});

test("options count as they are when the modal is opened", async () => {
  const page = await visit(world);
  await page.evaluate((options) => {
    options.user.customerReference = undefined;
    window.flow = new Flow(options);
    options.user.customerReference = "user-2";
    flow.open();
  }, structuredClone(OPTIONS));
  await inModal(page);
  assert.equal(posts()[0].fields.customerReference, "user-2");
});

test("a signature is asked for at each open, and again after token_expired", async () => {
  const page = await visit(world);
  await open(page, { templateId: "expired", signatures: ["fresh", "old", "fresh"] });
  const close = async () => {
    const frame = await inModal(page);
    await frame.evaluate(() => connection.ready());
    await page.waitForSelector("dialog", { state: "visible" });
    await page.evaluate(() => flow.close());
  };
  await close();
  await page.evaluate(() => flow.open());
  await until(() => posts().length === 3);
  await close();
  assert.deepEqual(
    posts().map(({ fields }) => fields.signature),
    ["fresh", "old", "fresh"],
  );
  assert.deepEqual(await log(page), [OPENED, CLOSED, OPENED, CLOSED]);
  assert.deepEqual(
    page.errors.filter((text) => text.startsWith("accredit")),
    [],
  );
});

test("a token that is expired again is told, as is one that nobody can renew", async () => {
  const page = await visit(world);
  const expired = told("token_expired", NOT_ADMITTED, "req-1");
  await open(page, { templateId: "expired", signatures: ["old", "old", "fresh"] });
  assert.deepEqual(await logged(page, 1), [expired]);
  assert.equal(posts().length, 2);
  await open(page, { templateId: "expired", user: { signature: "a.b.c" } });
  assert.deepEqual(await logged(page, 2), [expired, expired]);
  assert.equal(posts().length, 3);
});

test("a getSignature that fails is told, and the page hears of its own error", async () => {
  const page = await visit(world);
  await page.evaluate((options) => {
    addEventListener("unhandledrejection", ({ reason }) => log.push(reason.message));
    const flow = new Flow({ ...options, getSignature: () => Promise.reject(new Error("mine")) });
    flow.on("error", ({ code }) => log.push(code));
    flow.open();
  }, OPTIONS);
  assert.deepEqual((await logged(page, 2)).sort(), ["internal_error", "mine"]);
  assert.deepEqual(posts(), []);
});

const LIVE = `live_secret_${"abcd1234".repeat(8)}`;

test("a secret in any option is never sent; its hash is reported", async () => {
  const page = await visit(world);
  const places = [
    ["publishableKey", LIVE, { publishableKey: LIVE }],
    ["templateId", "sandbox_secret_1", { templateId: "sandbox_secret_1" }],
    ["signature", "accredit_live_reference_1", { user: { customerReference: "a", signature: "accredit_live_reference_1" } }],
    ["email", "accredit_sandbox_api_1", { user: { customerReference: "a", email: "accredit_sandbox_api_1" } }],
    ["apiSecret", LIVE, { apiSecret: LIVE }],
    ["signature", LIVE, { signatures: [LIVE] }],
  ];
  for (const [index, [member, secret, options]] of places.entries()) {
    await page.evaluate(() => void (log.length = 0));
    await open(page, options);
    assert.deepEqual(await logged(page, 1), [told("secret_exposed", member)]);
    await until(() => world.accredit.leaks.length > index);
    const { body, headers } = world.accredit.leaks[index];
    assert.deepEqual(JSON.parse(body), { sha256: createHash("sha256").update(secret).digest("hex") });
    assert.deepEqual([headers.origin, headers.cookie], [world.site.origin, undefined]);
  }
  assert.deepEqual(posts(), []);
  assert.doesNotMatch(page.errors.join(), /secret_abcd|accredit_live_/);
});

test("what is a secret and what is none is as the vectors say", async () => {
  const page = await visit(world);
  for (const { inputs, expect } of VECTORS.filter(({ kind }) => kind === "secret_shape")) {
    await page.evaluate(() => void (log.length = 0));
    await open(page, { templateId: "refused", user: { customerReference: inputs.value } });
    const [{ code }] = await logged(page, 1);
    assert.equal(code, expect === "valid" ? "admission_refused" : expect, inputs.value);
  }
});

test("what getSignature fails to give is no way in without one", async () => {
  const page = await visit(world);
  await open(page, { signatures: [] });
  await inModal(page);
  assert.equal(posts()[0].fields.signature, "-");
});

const focused = (page) => page.evaluate(() => document.activeElement.id || document.activeElement.tagName);

test("the focus stays in the modal and goes back where it was", async () => {
  const page = await visit(world);
  await page.focus("#start");
  await show(page);
  assert.equal(await focused(page), "BUTTON");
  const reached = new Set();
  for (let press = 0; press < 8; press++) {
    await page.keyboard.press(press % 3 ? "Tab" : "Shift+Tab");
    reached.add(await focused(page));
  }
  assert.ok(!reached.has("start"));
  assert.ok(reached.has("BUTTON") && reached.has("IFRAME"));
  await assert.rejects(page.click("#start", { timeout: 500 }));
  await page.evaluate(() => flow.close());
  assert.equal(await focused(page), "start");
});

for (const [how, leave] of [
  ["Escape", (page) => page.keyboard.press("Escape")],
  ["the close button", (page) => page.getByRole("button", { name: "Close" }).click()],
  ["the close button by keyboard", (page) => page.keyboard.press("Enter")],
]) {
  test(`${how} closes the modal and gives the focus back`, async () => {
    const page = await visit(world);
    await page.focus("#start");
    await show(page);
    await page.focus("dialog button");
    await leave(page);
    assert.deepEqual(await logged(page, 2), [OPENED, CLOSED]);
    assert.equal(await page.$("dialog"), null);
    assert.equal(await focused(page), "start");
    await settle(page);
    assert.equal((await log(page)).length, 2);
  });
}

for (const [kind, viewport, expected] of [
  ["a phone", { width: 390, height: 844 }, { x: 0, y: 0, width: 390, height: 844 }],
  ["a phone on its side", { width: 844, height: 390 }, { x: 182, y: 0, width: 480, height: 390 }],
  ["a desktop", { width: 1280, height: 800 }, { x: 400, y: 0, width: 480, height: 800 }],
]) {
  test(`the modal's place on ${kind}`, async () => {
    const page = await visit(world, "/", { viewport });
    await show(page);
    const place = await page.$eval("dialog", (dialog) => {
      const { x, y, width, height } = dialog.getBoundingClientRect();
      return { x, y, width, height };
    });
    assert.deepEqual(place, expected);
    const [frame, button] = await page.$$eval("dialog iframe, dialog button", (elements) =>
      elements
        .sort((one) => (one.tagName === "IFRAME" ? -1 : 1))
        .map((element) => element.getBoundingClientRect().toJSON()),
    );
    assert.deepEqual([button.width, button.height, button.right], [44, 44, expected.x + expected.width]);
    assert.deepEqual([frame.top, frame.bottom], [button.bottom, expected.y + expected.height]);
    assert.equal(frame.width, expected.width);
  });
}

test("a strict Content-Security-Policy with Trusted Types sees no violation", async () => {
  const page = await visit(world, "/strict");
  await show(page, { nonce: "n0nce" });
  assert.equal(await page.$eval("dialog", (dialog) => getComputedStyle(dialog).paddingTop), "44px");
  await page.evaluate(() => flow.close());
  await open(page, { publishableKey: LIVE });
  await until(() => world.accredit.leaks.length === 1);
  assert.deepEqual(await page.evaluate(() => violations), []);
});

for (const [templateId, what] of [
  ["silent", "that does not load"],
  ["quiet", "that never speaks"],
]) {
  test(`frame_unreachable comes after 15 s of a frame ${what}, and no sooner`, async () => {
    const page = await visit(world);
    await stopClock(page);
    await open(page, { templateId });
    await until(() => posts().length === 1);
    await pause();
    await page.clock.runFor(14_800);
    assert.deepEqual(await log(page), []);
    await page.clock.runFor(400);
    assert.deepEqual(await logged(page, 1), [told("frame_unreachable")]);
    assert.equal(await page.$("dialog"), null);
  });
}

test("a frame that was ready in time stays", async () => {
  const page = await visit(world);
  await stopClock(page);
  await show(page);
  await page.clock.runFor(20_000);
  assert.deepEqual(await log(page), [OPENED]);
});

test("a page of another origin in the frame is not answered and is reported", async () => {
  const page = await visit(world);
  await open(page, { templateId: "app" });
  assert.deepEqual(await logged(page, 1), [told("peer_origin_changed")]);
  assert.equal(await page.$("dialog"), null);
});

test("a page that hides its origin is asked for it", async () => {
  const page = await visit(world, "/no-referrer");
  await show(page);
  const [first, second] = posts();
  assert.equal(first.headers.origin, "null");
  assert.deepEqual(second.fields, { ...first.fields, parent_origin: world.site.origin, origin_ticket: "ticket" });
});

test("two flows on a page do not mix", async () => {
  const page = await visit(world);
  await page.evaluate((options) => {
    window.flows = ["one", "two"].map((customerReference) => {
      const flow = new Flow({ ...options, user: { customerReference } });
      flow.on("all", ({ action }) => log.push(`${customerReference} ${action}`));
      flow.open();
      return flow;
    });
  }, OPTIONS);
  const second = await framed(page, "dialog:last-of-type");
  await second.evaluate(() => connection.ready());
  await logged(page, 1);
  await page.evaluate(() => flows[0].close());
  await second.evaluate(() => connection.close());
  assert.deepEqual(await logged(page, 2), ["two opened", "two closed"]);
});
