/** What a call of init posts, shows and refuses (protocol-embed.md section 2). */

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { start, VERSION } from "./fixtures.mjs";
import { call, error, framed, log, logged, mount, pause, settle, status, stopClock, until, visit } from "./page.mjs";

let world;
before(async () => void (world = await start()));
after(() => world.stop());
afterEach(async () => {
  for (const context of world.browser.contexts()) await context.close();
  world.accredit.posts.length = 0;
});

const posts = () => world.accredit.posts;

test("posts exactly the fields of the call, in one form", async () => {
  const page = await visit(world);
  await mount(page, {
    view_id: "summary",
    uid: "Zoë & Söhne=1",
    data_passport: { first_name: "Ada 👩", age: 36, consented: true, left_out: undefined },
    encrypted_passport: "a.b.c.d.e",
    signed_deployment: "h.p.s",
  });
  assert.equal(posts().length, 1);
  const [{ headers, body, fields }] = posts();
  assert.equal(headers["content-type"], "application/x-www-form-urlencoded");
  assert.equal(headers.origin, world.site.origin);
  assert.equal(headers.cookie, undefined);
  assert.match(fields.channel, /^[A-Za-z0-9_-]{21}[AQgw]$/);
  assert.equal([...new URLSearchParams(body).keys()].length, Object.keys(fields).length);
  assert.deepEqual(fields, {
    deployer_id: "deployer-1",
    integration_id: "app",
    owner_id: "owner-1",
    view_id: "summary",
    uid: "Zoë & Söhne=1",
    data_passport: '{"first_name":"Ada 👩","age":36,"consented":true}',
    encrypted_passport: "a.b.c.d.e",
    signed_deployment: "h.p.s",
    channel: fields.channel,
    sdk: `accredit.js/${VERSION}`,
  });
});

test("posts UTF-8 from a page of another charset too", async () => {
  const page = await visit(world, "/latin");
  assert.equal(await page.evaluate(() => document.characterSet), "windows-1252");
  await mount(page, { uid: "Zoë 👩" });
  assert.equal(posts()[0].fields.uid, "Zoë 👩");
});

test("leaves out what is empty or null, and changes no line break but as every form does", async () => {
  const page = await visit(world);
  await mount(page, { uid: null, view_id: "", encrypted_passport: "a\nb" });
  assert.deepEqual(Object.keys(posts()[0].fields), [
    "deployer_id",
    "integration_id",
    "owner_id",
    "encrypted_passport",
    "channel",
    "sdk",
  ]);
  assert.equal(posts()[0].fields.encrypted_passport, "a\r\nb");
});

test("takes an original's call with a signed deployment alone", async () => {
  const page = await visit(world);
  await mount(page, {
    deployer_id: undefined,
    integration_id: undefined,
    owner_id: undefined,
    signed_deployment: "h.p.s",
  });
  assert.deepEqual(Object.keys(posts()[0].fields), ["signed_deployment", "channel", "sdk"]);
});

test("never lets a page's submit listeners or form names come between", async () => {
  const page = await visit(world);
  await page.evaluate(() =>
    addEventListener(
      "submit",
      (event) => {
        event.preventDefault();
        log.push("seen");
      },
      true,
    ),
  );
  await mount(page);
  assert.deepEqual(await log(page), []);
  assert.equal(await page.evaluate(() => document.querySelectorAll("form").length), 0);
});

test("builds the frame as documented", async () => {
  const page = await visit(world);
  await mount(page);
  const frame = await page.evaluate(() => {
    const element = document.querySelector("#one iframe");
    const { width, height } = element.getBoundingClientRect();
    const { name, title, src, allow } = element;
    return {
      name,
      title,
      src,
      allow,
      sandbox: element.getAttribute("sandbox"),
      width,
      height,
      border: getComputedStyle(element).borderWidth,
    };
  });
  assert.deepEqual(frame, {
    name: `accredit_${posts()[0].fields.channel}`,
    title: "Embedded application",
    src: "",
    allow: "geolocation *; clipboard-read *; clipboard-write *; fullscreen *",
    sandbox:
      "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox allow-downloads " +
      "allow-storage-access-by-user-activation",
    width: 600,
    height: 300,
    border: "0px",
  });
});

test("takes title, allow and an element for location", async () => {
  const page = await visit(world);
  await page.evaluate(
    () => void mount({ location: document.querySelector("#two"), title: "Loans", allow: "fullscreen *" }),
  );
  await framed(page, "#two");
  const { title, allow } = await page.$eval("#two iframe", ({ title, allow }) => ({ title, allow }));
  assert.deepEqual([title, allow], ["Loans", "fullscreen *"]);
});

test("posts to base_url, with its path and without its closing slash", async () => {
  const page = await visit(world);
  await call(page, { base_url: `${world.accredit.origin}/` });
  await framed(page);
  assert.equal(posts().length, 1);
});

test("fills frames in a shadow tree", async () => {
  const page = await visit(world);
  await page.evaluate(() => {
    const place = document.createElement("div");
    document.querySelector("#one").attachShadow({ mode: "open" }).append(place);
    mount({ location: place });
  });
  await until(() => page.frames().some((frame) => frame.url().startsWith(world.app.origin)));
});

const REFUSALS = [
  ["location_not_found", { location: "#nowhere" }],
  ["location_not_found", { location: "][" }],
  ["location_not_found", { location: null }],
  ["location_placeholder", { location: "#YOUR-TARGET-ELEMENT" }],
  ["ids_missing", { deployer_id: undefined }],
  ["ids_missing", { integration_id: "" }],
  ["ids_missing", { owner_id: null }],
  ["ids_mixed", { cp_id: "cp_1" }],
  ["ids_mixed", { cp_deployment_id: "cpd_1", deployer_id: undefined, owner_id: undefined }],
  [
    "ids_mixed",
    { cp_deployment_id: "cpd_1", deployer_id: null, integration_id: null, owner_id: null, signed_deployment: "h.p.s" },
  ],
  ["placeholder_left", { owner_id: "{{OWNER}}" }],
  ["placeholder_left", { uid: "{{YOUR-VALUE}}" }],
  ["placeholder_left", { signed_deployment: "{{SIGNED-VALUE}}" }],
  ["placeholder_left", { encrypted_passport: "{{ENCRYPTED-VALUE}}" }],
  ["uid_invalid", { uid: "" }],
  ["uid_invalid", { uid: 42 }],
  ["uid_invalid", { uid: "anon_1" }],
  ["uid_invalid", { uid: "a\u0000b" }],
  ["uid_invalid", { uid: "a\nb" }],
  ["uid_invalid", { uid: "a\u007f" }],
  ["uid_invalid", { uid: "\u0085" }],
  ["uid_invalid", { uid: "x".repeat(257) }],
  ["passport_value_type", { data_passport: { a: null } }],
  ["passport_value_type", { data_passport: { a: { b: 1 } } }],
  ["passport_value_type", { data_passport: { a: ["b"] } }],
  ["passport_value_type", { data_passport: { a: Infinity } }],
  ["passport_value_type", { data_passport: ["a"] }],
  ["passport_value_type", { data_passport: "a" }],
  ["field_invalid", { base_url: "javascript:alert(1)" }],
  ["field_invalid", { base_url: "/accredit" }],
  ["field_invalid", { base_url: "https://[" }],
  ["field_missing", { base_url: "" }],
];

test("refuses in the page, with a code and without a request", async () => {
  const page = await visit(world);
  for (const [code, options] of REFUSALS) {
    await page.evaluate(() => void (log.length = 0));
    page.errors.length = 0;
    await call(page, options);
    assert.deepEqual(await logged(page, 1), [error(code)], JSON.stringify(options));
    assert.equal(await status(page), "refused");
    await page.evaluate(() => {
      handle.renew({});
      handle.destroy();
    });
    assert.equal(page.errors.length, 1);
    assert.match(page.errors[0], new RegExp(`^accredit: ${code}`));
  }
  await settle(page);
  assert.equal(await page.$("iframe"), null);
  assert.deepEqual(posts(), []);
});

test("names the member at fault in the console, and no value", async () => {
  const page = await visit(world);
  await call(page, { data_passport: { card: ["4111-secret"] }, uid: "ada@example.com" });
  await logged(page, 1);
  assert.match(page.errors[0], /^accredit: passport_value_type card/);
  assert.doesNotMatch(page.errors.join(), /4111|ada@/);
});

test("takes a uid of 256 code points, and refuses one with half a character", async () => {
  const page = await visit(world);
  await mount(page, { uid: "👩".repeat(256) });
  assert.equal(posts()[0].fields.uid.length, 512);
  await page.evaluate(() => void mount({ location: "#two", uid: "a\ud83d" }));
  assert.deepEqual(await logged(page, 1), [error("uid_invalid")]);
});

test("never throws, whatever it is given", async () => {
  const page = await visit(world);
  const statuses = await page.evaluate(() => {
    const hostile = {
      location: "#one",
      get uid() {
        throw new Error("mine");
      },
    };
    const cyclic = mount({ data_passport: { a: 1n } });
    return [accredit.init(), accredit.init(null), accredit.init("text"), accredit.init(hostile), cyclic].map(
      ({ status }) => status,
    );
  });
  assert.deepEqual(statuses, Array(5).fill("refused"));
  assert.deepEqual(posts(), []);
});

test("a second call on the element with equal fields returns the live handle and posts nothing", async () => {
  const page = await visit(world);
  await mount(page);
  const same = await page.evaluate(
    () => mount({}) === handle && mount({ location: document.querySelector("#one") }) === handle,
  );
  await settle(page);
  assert.equal(same, true);
  assert.equal(posts().length, 1);
});

test("a second call hands its functions over", async () => {
  const page = await visit(world);
  const frame = await mount(page);
  await page.evaluate(() => void mount({ on_ready: () => log.push("later") }));
  await frame.evaluate(() => connection.ready());
  assert.deepEqual(await logged(page, 1), ["later"]);
});

test("a second call on the element with other fields is refused and leaves the first alone", async () => {
  const page = await visit(world);
  await mount(page);
  for (const options of [
    { uid: "other" },
    { title: "Other" },
    { height: "auto" },
    { initial_loading_asset: { type: "none" } },
  ]) {
    await page.evaluate((given) => {
      log.length = 0;
      window.other = mount(given);
    }, options);
    assert.deepEqual(await logged(page, 1), [error("already_mounted")]);
    assert.equal(await page.evaluate(() => other.status), "refused");
  }
  assert.equal(posts().length, 1);
  assert.equal((await page.$$("iframe")).length, 1);
});

test("a mount in an element that was emptied makes way", async () => {
  const page = await visit(world);
  await mount(page);
  await page.evaluate(() => {
    window.first = handle;
    document.querySelector("#one").textContent = "";
  });
  await mount(page, { uid: "other" });
  assert.equal(posts().length, 2);
  assert.equal(await page.evaluate(() => first.status), "destroyed");
});

test("destroy and the same call in one task keep frame and token", async () => {
  const page = await visit(world);
  await mount(page);
  const kept = await page.evaluate(async () => {
    const frame = document.querySelector("iframe");
    handle.destroy();
    const again = mount({});
    await new Promise((resolve) => setTimeout(resolve, 50));
    return again === handle && document.querySelector("iframe") === frame && frame.isConnected && handle.status;
  });
  assert.equal(kept, "loading");
  assert.equal(posts().length, 1);
});

test("destroy and another call in one task mount anew", async () => {
  const page = await visit(world);
  await mount(page);
  await page.evaluate(() => {
    handle.destroy();
    window.handle = mount({ uid: "other" });
  });
  await framed(page);
  await settle(page);
  assert.equal(posts().length, 2);
  assert.equal((await page.$$("iframe")).length, 1);
  assert.equal(await status(page), "loading");
});

test("destroy takes the frame away on the next task, once", async () => {
  const page = await visit(world);
  await mount(page);
  const seen = await page.evaluate(async () => {
    const { destroy } = handle;
    destroy();
    destroy();
    const before = [handle.status, document.querySelectorAll("#one > *").length];
    await new Promise((resolve) => setTimeout(resolve, 20));
    return [...before, handle.status, document.querySelectorAll("#one > *").length];
  });
  assert.deepEqual(seen, ["loading", 1, "destroyed", 0]);
  await mount(page);
  assert.equal(posts().length, 2);
});

test("a refused mount is replaced by destroy and the same call", async () => {
  const page = await visit(world);
  await call(page, { integration_id: "refused" });
  await logged(page, 1);
  await page.evaluate(() => {
    handle.destroy();
    window.handle = mount({ integration_id: "refused" });
  });
  await logged(page, 2);
  assert.equal(posts().length, 2);
});

test("a strict Content-Security-Policy with Trusted Types sees no violation", async () => {
  const page = await visit(world, "/strict");
  const frame = await mount(page, { height: "auto", initial_loading_asset: { type: "skeleton" } });
  const [part, covered] = await page.evaluate(() => {
    const part = document.querySelector("#one iframe + div > div");
    return [getComputedStyle(part).backgroundColor, part.getAnimations().length];
  });
  assert.deepEqual([part, covered], ["rgb(36, 36, 36)", 1]);
  await frame.evaluate(() => {
    connection.ready();
    connection.resize(420);
    connection.renew_needed();
  });
  await until(() => frame.evaluate(() => heard.length));
  assert.equal(await page.$eval("iframe", (element) => getComputedStyle(element).height), "420px");
  assert.equal(await page.$("#one iframe + div"), null);
  assert.deepEqual(await page.evaluate(() => violations), []);
  assert.deepEqual(page.errors, []);
});

const cover = (page) =>
  page.evaluate(() => {
    const layer = document.querySelector("#one iframe + div");
    return (
      layer &&
      [...layer.children].map((part) => {
        const { width, height, borderTopWidth, borderLeftColor, backgroundColor } = getComputedStyle(part);
        return { width, height, borderTopWidth, borderLeftColor, backgroundColor };
      })
    );
  });

test("shows the loading asset of the call, and the default for what is not of its form", async () => {
  const standard = {
    width: "40px",
    height: "40px",
    borderTopWidth: "4px",
    borderLeftColor: "rgb(36, 36, 36)",
    backgroundColor: "rgba(0, 0, 0, 0)",
  };
  const dot = {
    width: "8px",
    height: "8px",
    borderTopWidth: "1px",
    borderLeftColor: "rgb(255, 0, 0)",
    backgroundColor: "rgb(255, 0, 0)",
  };
  const cases = [
    [undefined, [standard]],
    [{ type: "none" }, []],
    [{ type: "ellipsis", size: 32, stroke: 1, color: "#F00" }, [dot, dot, dot]],
    [{ type: "pulse", size: 8, stroke: 1, color: "#ff0000ff" }, [dot]],
    [{ type: "blink", size: 513, stroke: "4", color: "red;position:fixed" }, [standard]],
    [{ type: ["none"], size: NaN, stroke: 0, color: "#12345" }, [standard]],
    ["none", [standard]],
  ];
  for (const [initial_loading_asset, expected] of cases) {
    const page = await visit(world);
    await call(page, { integration_id: "silent", initial_loading_asset });
    assert.deepEqual(await cover(page), expected, JSON.stringify(initial_loading_asset));
  }
});

test("reads the loading asset from a token, where it wins over the direct one", async () => {
  const payload = Buffer.from(JSON.stringify({ uid: "Zoë", initial_loading_asset: { type: "none" } })).toString(
    "base64url",
  );
  const page = await visit(world);
  await call(page, { signed_deployment: `h.${payload}.s`, initial_loading_asset: { type: "pulse" } });
  assert.deepEqual(await cover(page), []);
});

test("animates, but not for people who prefer reduced motion", async () => {
  for (const [reducedMotion, running] of [
    ["no-preference", 1],
    ["reduce", 0],
  ]) {
    const page = await visit(world, "/", { reducedMotion });
    await call(page, { integration_id: "silent" });
    assert.equal(await page.evaluate(() => document.getAnimations().length), running);
    assert.equal((await cover(page)).length, 1);
  }
});

test("takes the loading asset away 500 ms after a load without a hello", async () => {
  const page = await visit(world);
  await stopClock(page);
  await call(page, { integration_id: "quiet" });
  const loaded = () => page.$eval("#one iframe", (frame) => frame.contentDocument === null);
  await until(loaded);
  await pause(); // The load event follows the document.
  await page.clock.runFor(450);
  assert.notEqual(await cover(page), null);
  await page.clock.runFor(100);
  assert.equal(await cover(page), null);
  assert.equal(await status(page), "loading");
  assert.deepEqual(await log(page), []);
});

test("keeps the loading asset after a hello until ready", async () => {
  const page = await visit(world);
  await stopClock(page);
  const frame = await mount(page);
  await pause();
  await page.clock.runFor(20_000);
  assert.equal((await cover(page)).length, 1);
  await frame.evaluate(() => connection.ready());
  await logged(page, 1);
  assert.equal(await cover(page), null);
  assert.deepEqual(await log(page), [["ready", { expires_at: null }]]);
});

test("tells frame_unreachable after 15 s without a load, and no sooner", async () => {
  const page = await visit(world);
  await stopClock(page);
  await call(page, { integration_id: "silent" });
  await page.clock.runFor(14_900);
  assert.deepEqual(await log(page), []);
  await page.clock.runFor(200);
  assert.deepEqual(await logged(page, 1), [error("frame_unreachable")]);
  assert.equal(await status(page), "unreachable");
  assert.equal(await cover(page), null);
});
