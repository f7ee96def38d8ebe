/** What page and frame say to each other, and what neither takes (protocol-embed.md section 3). */

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { start } from "./fixtures.mjs";
import { call, error, framed, log, logged, mount, settle, status, until, visit } from "./page.mjs";

let world;
before(async () => void (world = await start()));
after(() => world.stop());
afterEach(async () => {
  for (const context of world.browser.contexts()) await context.close();
  world.accredit.posts.length = 0;
});

const channelOf = (post = 0) => world.accredit.posts[post].fields.channel;
const said = (type, more = {}) => ({ accredit: 1, door: "embed", type, channel: channelOf(), ...more });

test("ready, event and close reach the page; what it gave for them is called", async () => {
  const page = await visit(world);
  const frame = await mount(page);
  await frame.evaluate(() => {
    connection.ready("2030-01-01T00:00:00Z");
    connection.event("cart.added", { sku: "A1", count: 2, list: [1, null] });
    connection.event("bare");
    connection.close("success");
  });
  assert.deepEqual(await logged(page, 4), [
    ["ready", { expires_at: "2030-01-01T00:00:00Z" }],
    ["event", { name: "cart.added", detail: { sku: "A1", count: 2, list: [1, null] } }],
    ["event", { name: "bare", detail: null }],
    ["event", { name: "close", detail: { outcome: "success" } }],
  ]);
  assert.equal(await status(page), "closed");
});

test("status goes from loading to ready", async () => {
  const page = await visit(world);
  const frame = await mount(page);
  assert.equal(await status(page), "loading");
  await frame.evaluate(() => connection.ready());
  assert.deepEqual(await logged(page, 1), [["ready", { expires_at: null }]]);
  assert.equal(await status(page), "ready");
});

test("the server's own page connects to the page that it was asked from", async () => {
  const page = await visit(world);
  const frame = await mount(page, { integration_id: "hosted" });
  await frame.evaluate(() => connection.ready());
  await logged(page, 1);
});

test("two frames on a page do not mix", async () => {
  const page = await visit(world);
  const first = await mount(page);
  await page.evaluate(
    () =>
      void mount({
        location: "#two",
        on_ready: () => log.push("two ready"),
        on_event: ({ name }) => log.push(`two ${name}`),
      }),
  );
  const second = await framed(page, "#two");
  await second.evaluate(() => {
    connection.ready();
    connection.event("from.two");
  });
  await logged(page, 2);
  await first.evaluate(() => connection.event("from.one"));
  assert.deepEqual(await logged(page, 3), ["two ready", "two from.two", ["event", { name: "from.one", detail: null }]]);
  assert.notEqual(channelOf(0), channelOf(1));
  // The first frame's channel is worth nothing to the second.
  await second.evaluate((message) => parent.postMessage(message, "*"), said("hello"));
  await settle(page);
  assert.equal((await log(page)).length, 3);
});

test("resize sets the height where the page asked for it", async () => {
  const page = await visit(world);
  const frame = await mount(page, { height: "auto" });
  const height = () => page.$eval("#one iframe", ({ style }) => style.height);
  await frame.evaluate(() => connection.resize(740.5));
  await until(async () => (await height()) === "740.5px");
  await frame.evaluate(() =>
    [-1, 20001, NaN, Infinity, "900", null, [900]].forEach((wrong) => connection.resize(wrong)),
  );
  await frame.evaluate(() => connection.event("after"));
  await logged(page, 1);
  assert.equal(await height(), "740.5px");
  await frame.evaluate(() => connection.resize(0));
  await until(async () => (await height()) === "0px");
});

test("resize does nothing to a frame that fills its place", async () => {
  const page = await visit(world);
  const frame = await mount(page);
  await frame.evaluate(() => {
    connection.resize(740);
    connection.event("after");
  });
  await logged(page, 1);
  assert.equal(await page.$eval("#one iframe", ({ clientHeight }) => clientHeight), 300);
});

test("events of another form or more than 16 KiB are ignored", async () => {
  const page = await visit(world);
  const frame = await mount(page);
  await frame.evaluate(() => {
    for (const name of ["Upper", "1st", "", "a b", "x".repeat(65), null, ["list"]]) connection.event(name, 1);
    connection.event("too.large", "ü".repeat(8192));
    connection.event("x".repeat(64), "y".repeat(16_382));
  });
  assert.deepEqual(await logged(page, 1), [["event", { name: "x".repeat(64), detail: "y".repeat(16_382) }]]);
});

test("an event that JSON cannot hold fails at its cause", async () => {
  const page = await visit(world);
  const frame = await mount(page);
  await assert.rejects(frame.evaluate(() => connection.event("big", 1n)));
});

test("what comes over the port and is of no known form is ignored", async () => {
  const page = await visit(world);
  await call(page);
  const frame = await framed(page);
  await frame.evaluate(
    ({ message, origin }) =>
      new Promise((done) => {
        addEventListener("message", ({ ports: [port], source }) => {
          if (source !== parent) return;
          const cyclic = {};
          cyclic.self = cyclic;
          for (const wrong of [
            null,
            1,
            "ready",
            [],
            {},
            { type: "toString" },
            { type: "event", name: "a", detail: cyclic },
            { type: "event", name: "a", detail: 1n },
            { type: "refused", code: "x" },
          ])
            port.postMessage(wrong);
          port.postMessage({ type: "event", name: "after" });
          done();
        });
        parent.postMessage(message, origin);
      }),
    { message: said("hello"), origin: world.site.origin },
  );
  assert.deepEqual(await logged(page, 1), [["event", { name: "after", detail: null }]]);
  assert.deepEqual(page.errors, []);
});

test("a refusal page is reported and ends the waiting", async () => {
  const page = await visit(world);
  await call(page, { integration_id: "refused" });
  assert.deepEqual(await logged(page, 1), [error("admission_refused", "req-1")]);
  assert.equal(await status(page), "refused");
  assert.equal(await page.$("#one iframe + div"), null);
  assert.equal(page.errors.filter((text) => text.startsWith("accredit: admission_refused")).length, 1);
  assert.match(page.errors.join(), /req-1/);
});

test("a refusal page's reason is passed on", async () => {
  const page = await visit(world);
  await call(page, { integration_id: "refused", view_id: "debug" });
  assert.deepEqual(await logged(page, 1), [error("admission_refused", "req-1", "jws_malformed")]);
});

test("a refusal is taken only from the frame, on its channel, from the server's origin", async () => {
  const page = await visit(world);
  const frame = await mount(page);
  const refused = said("refused", { code: "forged", request_id: "x" });
  // From the page itself, from the application's origin, and from another frame of the server's origin.
  await page.evaluate((message) => postMessage(message, "*"), refused);
  await frame.evaluate((message) => parent.postMessage(message, "*"), refused);
  const other = await mount(page, { location: "#two", integration_id: "hosted" });
  await other.evaluate((message) => parent.postMessage(message, "*"), refused);
  await other.evaluate((message) => parent.postMessage(message, "*"), { ...refused, channel: "A".repeat(22) });
  await settle(page);
  assert.deepEqual(await log(page), []);
});

test("a hello on another channel or from another window is not answered", async () => {
  const page = await visit(world);
  const frame = await mount(page);
  await page.evaluate((message) => {
    addEventListener("message", ({ data }) => data.type === "welcome" && log.push("welcome"));
    postMessage(message, "*");
  }, said("hello"));
  await frame.evaluate(
    (messages) => {
      addEventListener("message", ({ data }) => heard.push(data.type));
      for (const message of messages) parent.postMessage(message, "*");
    },
    [said("hello", { channel: "A".repeat(22) }), said("hello", { accredit: 2 }), said("other"), null, "hello", 7],
  );
  await settle(page);
  assert.deepEqual(await log(page), []);
  assert.deepEqual(await frame.evaluate(() => heard), []);
});

test("a later hello from the same origin replaces the port", async () => {
  const page = await visit(world);
  const frame = await mount(page);
  await frame.evaluate(
    ({ message, origin }) =>
      new Promise((done) => {
        const ports = [];
        addEventListener("message", (event) => {
          ports.push(event.ports[0]);
          if (ports.length === 1) return parent.postMessage(message, origin);
          ports[0].postMessage({ type: "event", name: "old.port" });
          ports[1].postMessage({ type: "event", name: "new.port" });
          done();
        });
        parent.postMessage(message, origin);
      }),
    { message: said("hello"), origin: world.site.origin },
  );
  await logged(page, 1);
  await settle(page);
  assert.deepEqual(await log(page), [["event", { name: "new.port", detail: null }]]);
});

test("a hello from another origin is not answered and is reported", async () => {
  const page = await visit(world);
  const frame = await mount(page);
  await frame.evaluate(() => connection.ready());
  await logged(page, 1);
  await frame.goto(`${world.accredit.origin}/sdk/accredit.js`);
  await frame.evaluate((message) => {
    window.welcomed = false;
    addEventListener("message", () => (window.welcomed = true));
    parent.postMessage(message, "*");
  }, said("hello"));
  assert.deepEqual((await logged(page, 2))[1], error("peer_origin_changed"));
  assert.equal(await frame.evaluate(() => welcomed), false);
});

test("a page that hides its origin is asked for it", async () => {
  const page = await visit(world, "/no-referrer");
  const frame = await mount(page, { uid: "user-1" });
  const [first, second] = world.accredit.posts;
  assert.equal(first.headers.origin, "null");
  assert.equal(second.headers.origin, world.accredit.origin);
  assert.deepEqual(second.fields, { ...first.fields, parent_origin: world.site.origin, origin_ticket: "ticket" });
  await frame.evaluate(() => connection.ready());
  await logged(page, 1);
});

test("only the server's origin is told ours when it asks", async () => {
  const page = await visit(world);
  const frame = await mount(page);
  await frame.evaluate((message) => {
    addEventListener("message", ({ data }) => heard.push(data.type));
    parent.postMessage(message, "*");
  }, said("origin_wanted"));
  await settle(page);
  assert.deepEqual(await frame.evaluate(() => heard), []);
});

test("the frame says nothing to a parent of another origin", async () => {
  const page = await visit(world);
  await page.evaluate(() => addEventListener("message", ({ data }) => log.push(data)));
  const frame = await mount(page);
  await settle(page);
  const before = (await log(page)).length;
  await frame.evaluate((channel) => {
    for (const origin of ["https://elsewhere.example", null, undefined, "*", "/", ""])
      accredit.connect({ origin, channel }).ready();
  }, channelOf());
  await settle(page);
  assert.equal((await log(page)).length, before);
});

test("the frame takes a welcome only from its parent, at the origin that it was told", async () => {
  const page = await visit(world);
  const frame = await mount(page);
  const sibling = await (
    await page.evaluateHandle(
      () =>
        new Promise((resolve) => {
          const element = document.createElement("iframe");
          element.onload = () => resolve(element);
          element.src = location.href; // Of the parent's very origin.
          document.body.append(element);
        }),
    )
  )
    .asElement()
    .contentFrame();
  await frame.evaluate(() => {
    window.lonely = accredit.connect({
      origin: "https://elsewhere.example",
      channel: "B".repeat(22),
      on_renewed: () => heard.push("lonely"),
    });
    lonely.event("secret");
  });
  /** Sends a welcome to the first frame, from the window that runs this, and keeps what comes through its port. */
  const welcome = (message) => {
    window.overheard = [];
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => overheard.push(data);
    port1.postMessage({ type: "renewed", code: "forged", expires_at: "2030-01-01T00:00:00Z" });
    window.top.frames[0].postMessage(message, "*", [port2]);
  };
  await page.evaluate(welcome, said("welcome", { channel: "B".repeat(22) })); // Its parent, but of another origin than told.
  await sibling.evaluate(welcome, said("welcome")); // The right channel, but not its parent.
  await frame.evaluate(() => connection.event("after"));
  await logged(page, 1);
  await settle(page);
  assert.deepEqual(await frame.evaluate(() => heard), []);
  assert.deepEqual([await page.evaluate(() => overheard), await sibling.evaluate(() => overheard)], [[], []]);
});

test("what is said before the welcome waits for it, within bounds", async () => {
  const page = await visit(world);
  const frame = await mount(page);
  await frame.evaluate(
    ({ origin, channel }) => {
      const early = accredit.connect({ origin, channel });
      for (let i = 0; i < 100; i++) early.event(`e${i}`);
    },
    { origin: world.site.origin, channel: channelOf() },
  );
  const events = await logged(page, 64);
  await settle(page);
  assert.deepEqual((await log(page)).length, 64);
  assert.equal(events[63][1].name, "e63");
});

test("a handler that throws stops nothing and is heard of", async () => {
  const page = await visit(world);
  await page.evaluate(() => {
    addEventListener("unhandledrejection", ({ reason }) => log.push(reason.message));
    window.handle = mount({
      on_ready: () => {
        throw new Error("mine");
      },
    });
  });
  const frame = await framed(page);
  await frame.evaluate(() => {
    connection.ready();
    connection.event("after");
  });
  await logged(page, 2);
  assert.deepEqual((await log(page)).sort(), [["event", { name: "after", detail: null }], "mine"].sort());
});

test("after destroy nothing of the frame is heard", async () => {
  const page = await visit(world);
  await page.evaluate(() => addEventListener("message", ({ data, ports }) => log.push(data.type)));
  await mount(page);
  await page.evaluate(() => {
    log.length = 0;
    handle.destroy();
  });
  await settle(page);
  assert.deepEqual(await log(page), []);
});
