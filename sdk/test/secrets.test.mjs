/** What the SDK takes for a secret: the vectors of kind `secret_shape` (protocol-flow.md section 12). */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { start } from "./fixtures.mjs";
import { framed, logged, until, visit } from "./page.mjs";

const { cases } = JSON.parse(readFileSync(new URL("../../tests/vectors/flow.json", import.meta.url), "utf8"));
const SHAPES = cases.filter((each) => each.kind === "secret_shape");

let world;
before(async () => void (world = await start()));
after(() => world.stop());

test("withholds and reports what has the shape of a secret, and nothing else", async () => {
  const page = await visit(world);
  for (const { name, inputs, expect } of SHAPES) {
    const before = world.accredit.leaks.length;
    await page.evaluate((value) => {
      log.length = 0;
      window.flow = new Flow({ publishableKey: value, templateId: "hosted", user: { customerReference: "user-1" } });
      flow.on("all", (object) => log.push(object));
      flow.open();
    }, inputs.value);
    if (expect === "valid") {
      await framed(page, "dialog");
      assert.equal(world.accredit.posts.at(-1).fields.publishableKey, inputs.value, name);
      await page.evaluate(() => flow.close());
    } else {
      assert.equal((await logged(page, 1))[0].code, expect, name);
      await until(() => world.accredit.leaks.length > before);
    }
    assert.equal(world.accredit.leaks.length - before, expect === "valid" ? 0 : 1, name);
  }
  assert.equal(SHAPES.length, 7);
});
