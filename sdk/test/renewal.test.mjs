/** Renewal: by the frame, by the clock, by the page (protocol-embed.md section 3). */

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { start } from "./fixtures.mjs";
import { call, error, framed, log, logged, mount, pause, settle, stopClock, until, visit } from "./page.mjs";

let world;
before(async () => void (world = await start()));
after(() => world.stop());
afterEach(async () => {
  for (const context of world.browser.contexts()) await context.close();
  world.accredit.posts.length = world.accredit.renewals.length = 0;
});

const renewals = () => world.accredit.renewals;
const heard = (frame, count = 1) =>
  frame
    .waitForFunction((least) => window.heard.length >= least && window.heard, count)
    .then((value) => value.jsonValue());

/** Mounts with an on_renew whose source is given, as functions cannot be handed into a page. */
async function mountRenewing(page, on_renew, options = {}) {
  await page.evaluate(
    ([source, given]) => void (window.handle = mount({ ...given, on_renew: source && eval(`(${source})`) })),
    [on_renew && String(on_renew), options],
  );
  return framed(page);
}

test("the frame asks, the page gives fresh fields, the frame gets a code", async () => {
  const page = await visit(world);
  const frame = await mountRenewing(page, async () => ({ signed_deployment: "fresh.p.s" }), {
    uid: "user-1",
    signed_deployment: "first.p.s",
  });
  await frame.evaluate(() => connection.renew_needed());
  const [[type, { code, expires_at }]] = await heard(frame);
  assert.equal(type, "renewed");
  assert.ok(world.accredit.codes.has(code));
  assert.match(expires_at, /^\d{4}-/);
  const [{ headers, fields }] = renewals();
  assert.equal(headers["content-type"], "application/x-www-form-urlencoded;charset=UTF-8");
  assert.equal(headers.origin, world.site.origin);
  assert.equal(headers.cookie, undefined);
  assert.deepEqual(fields, { ...world.accredit.posts[0].fields, signed_deployment: "fresh.p.s" });
  assert.deepEqual(await log(page), []);
});

test("on_renew may answer at once, and without one the fields of the call are sent again", async () => {
  const page = await visit(world);
  const frame = await mountRenewing(page, () => ({ uid: "user-1" }));
  await frame.evaluate(() => connection.renew_needed());
  await heard(frame);
  assert.equal(renewals()[0].fields.uid, "user-1");
  const other = await mount(page, { location: "#two" });
  await other.evaluate(() => connection.renew_needed());
  await heard(other);
  assert.deepEqual(renewals()[1].fields, world.accredit.posts[1].fields);
});

test("the page renews by itself", async () => {
  const page = await visit(world);
  const frame = await mount(page);
  await page.evaluate(() => handle.renew({ signed_deployment: "fresh.p.s" }));
  await heard(frame);
  assert.equal(renewals()[0].fields.signed_deployment, "fresh.p.s");
});

test("the clock renews 60 s before the time that ready told, and not before", async () => {
  const page = await visit(world);
  await stopClock(page);
  const frame = await mountRenewing(page, () => ({ signed_deployment: "fresh.p.s" }));
  await frame.evaluate(() => connection.ready(new Date(Date.now() + 600_000).toISOString()));
  await logged(page, 1);
  await page.clock.runFor(539_000);
  await pause();
  assert.equal(renewals().length, 0);
  await page.clock.runFor(2_000);
  await until(() => renewals().length === 1);
  // No further renewal until the application tells a new time.
  await page.clock.runFor(3_600_000);
  await pause();
  assert.equal(renewals().length, 1);
});

test("a later ready sets the clock anew, close stops it", async () => {
  const page = await visit(world);
  await stopClock(page);
  const frame = await mount(page);
  await frame.evaluate(() => connection.ready(new Date(Date.now() + 120_000).toISOString()));
  await frame.evaluate(() => connection.ready(new Date(Date.now() + 600_000).toISOString()));
  await logged(page, 2);
  await page.clock.runFor(300_000);
  await pause();
  assert.equal(renewals().length, 0);
  await frame.evaluate(() => connection.close("success"));
  await logged(page, 3);
  await page.clock.runFor(600_000);
  await pause();
  assert.equal(renewals().length, 0);
});

test("a clock that runs ahead renews no more often than every 30 s", async () => {
  const page = await visit(world);
  await stopClock(page);
  const frame = await mount(page);
  const past = () => connection.ready("2020-01-01T00:00:00Z");
  await frame.evaluate(past);
  await logged(page, 1);
  await page.clock.runFor(10);
  await until(() => renewals().length === 1);
  await frame.evaluate(past);
  await logged(page, 2);
  await page.clock.runFor(29_000);
  await pause();
  assert.equal(renewals().length, 1);
  await page.clock.runFor(1_500);
  await until(() => renewals().length === 2);
});

test("a time that cannot be read sets no clock", async () => {
  const page = await visit(world);
  await stopClock(page);
  const frame = await mount(page);
  for (const wrong of ["soon", "", 5, {}]) await frame.evaluate((time) => connection.ready(time), wrong);
  await logged(page, 4);
  await page.clock.runFor(3_600_000);
  await pause();
  assert.equal(renewals().length, 0);
});

test("the frame cannot have two renewals under way", async () => {
  const page = await visit(world);
  const frame = await mountRenewing(page, () => new Promise((resolve) => (window.answers ??= []).push(resolve)));
  const answer = () => page.evaluate(() => answers.splice(0).map((resolve) => resolve({ uid: "user-1" })).length);
  await frame.evaluate(() => {
    for (let i = 0; i < 5; i++) connection.renew_needed();
    connection.event("after");
  });
  await logged(page, 1);
  assert.equal(await answer(), 1);
  await heard(frame);
  await frame.evaluate(() => {
    connection.renew_needed();
    connection.event("again");
  });
  await logged(page, 2);
  assert.equal(await answer(), 1);
  await heard(frame, 2);
  assert.equal(renewals().length, 2);
});

test("a refused renewal is told to page and frame", async () => {
  const page = await visit(world);
  const frame = await mountRenewing(page, () => ({ view_id: "refused" }));
  await frame.evaluate(() => connection.renew_needed());
  assert.deepEqual(await heard(frame), [["renew_failed", { request_id: "req-1" }]]);
  assert.deepEqual(await logged(page, 1), [error("admission_refused", "req-1")]);
});

test("an answer that is not Accredit's, and a server that is gone, are service_unavailable", async () => {
  const page = await visit(world);
  const frame = await mountRenewing(page, () => ({ view_id: "broken" }));
  await frame.evaluate(() => connection.renew_needed());
  assert.deepEqual(await heard(frame), [["renew_failed", { request_id: null }]]);
  assert.deepEqual(await logged(page, 1), [error("service_unavailable")]);
  await page.route("**/embed/renew", (route) => route.abort());
  await frame.evaluate(() => connection.renew_needed());
  assert.deepEqual((await logged(page, 2))[1], error("service_unavailable"));
});

test("fresh fields are checked in the page like those of the call", async () => {
  const page = await visit(world);
  const frame = await mount(page);
  for (const [code, fresh] of [
    ["placeholder_left", { signed_deployment: "{{SIGNED-VALUE}}" }],
    ["uid_invalid", { uid: "anon_1" }],
    ["passport_value_type", { data_passport: { a: null } }],
  ]) {
    await page.evaluate((given) => {
      log.length = 0;
      handle.renew(given);
    }, fresh);
    assert.deepEqual(await logged(page, 1), [error(code)]);
  }
  await heard(frame, 3);
  assert.equal(renewals().length, 0);
});

test("an on_renew that gives nothing is field_missing; one that throws is heard of by the page", async () => {
  const page = await visit(world);
  const frame = await mountRenewing(page, () => undefined);
  await frame.evaluate(() => connection.renew_needed());
  assert.deepEqual(await logged(page, 1), [error("field_missing")]);
  await page.evaluate(() => {
    addEventListener("unhandledrejection", ({ reason }) => {
      log.push(reason.message);
    });
    window.handle = mount({
      on_renew: () => {
        throw new Error("mine");
      },
    });
  });
  await frame.evaluate(() => connection.renew_needed());
  assert.deepEqual((await logged(page, 3)).slice(1).sort(), [error("internal_error"), "mine"].sort());
  assert.equal(renewals().length, 0);
});

test("a renewal that comes back after destroy says nothing", async () => {
  const page = await visit(world);
  await mountRenewing(page, () => new Promise((resolve) => (window.answer = resolve)));
  await page.evaluate(async () => {
    handle.renew({ view_id: "refused" });
    handle.destroy();
  });
  await until(() => renewals().length === 1);
  await settle(page);
  assert.deepEqual(await log(page), []);
});

test("a page that hides its origin still names it when it renews", async () => {
  const page = await visit(world, "/no-referrer");
  const frame = await mount(page);
  await page.evaluate(() => handle.renew({}));
  await heard(frame);
  assert.equal(renewals()[0].headers.origin, world.site.origin);
});
