/** What the tests do with a page again and again. */

import assert from "node:assert/strict";

/** Opens a page of the site; what it writes to the console as errors is in `page.errors`. */
export async function visit({ browser, site }, path = "/", options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.errors = [];
  page.on("console", (message) => message.type() === "error" && page.errors.push(message.text()));
  page.on("pageerror", (error) => page.errors.push(String(error)));
  await page.goto(site.origin + path);
  return page;
}

/** Calls init in the page, keeps the handle as `window.handle`, and returns the frame once its page has connected. */
export async function mount(page, options = {}) {
  await call(page, options);
  return framed(page, options.location ?? "#one");
}

export async function call(page, options = {}) {
  await page.evaluate((given) => void (window.handle = mount(given)), options);
}

export async function framed(page, location = "#one") {
  // A frame of a modal is not to be seen before it is ready.
  const element = await page.waitForSelector(`${location} iframe`, { state: "attached" });
  const frame = await element.contentFrame();
  // A browser draws nothing of what is not to be seen, so its own frames are no clock to ask by.
  const connected = () => frame.evaluate(() => !!window.connection);
  await until(() => connected().catch(() => false)); // It may be on its way to another page.
  return frame;
}

export const log = (page) => page.evaluate(() => window.log);
export const status = (page) => page.evaluate(() => window.handle.status);

export async function logged(page, count) {
  await page.waitForFunction((least) => window.log.length >= least, count);
  return log(page);
}

/** From here on the page's timers stand still but for what `page.clock.runFor` lets pass. */
export async function stopClock(page) {
  await page.clock.install({ time: "2030-01-01T00:00:00Z" });
  await page.clock.pauseAt("2030-01-01T00:00:01Z");
}

/** Waits for something that happens outside the page, or that its stopped clock must not be asked about. */
export async function until(condition) {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, "waited in vain");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Time for what should not happen, where the page's clock stands still. */
export const pause = () => new Promise((resolve) => setTimeout(resolve, 200));

/** Lets everything that is under way in the page come to pass: two tasks and a round trip to each frame. */
export async function settle(page) {
  for (const frame of page.frames()) {
    await frame
      .evaluate(() => new Promise((resolve) => setTimeout(() => setTimeout(resolve, 20))))
      .catch(() => undefined);
  }
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 50)));
}

export const error = (code, request_id = null, reason = null) => ["error", { code, request_id, reason }];
