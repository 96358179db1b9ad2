// What has to hold of every page, in both themes and both widths.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
export const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 390, height: 844 };

async function accessible(page, where) {
  const results = await page.evaluate(`${AXE}; axe.run(document, { resultTypes: ["violations"] })`);
  const serious = results.violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const said = serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ").slice(0, 400)}`);
  assert.deepEqual(said, [], `axe-core on ${where}`);
}

/** `pictures` is a folder for a picture of each. */
export function checks(pictures) {
  /** Both themes and widths: nothing serious by axe-core, nothing that is cut off at the side. */
  async function looksRight(page, name) {
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      for (const size of [WIDE, NARROW]) {
        await page.setViewportSize(size);
        // Until what follows the width is drawn.
        await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
        const where = `${name}, ${colorScheme}, ${size.width} px`;
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${where}: ${overflow} px too wide`);
        await accessible(page, where);
        if (pictures) {
          await page.screenshot({ path: join(pictures, `${name}-${colorScheme}-${size.width}.png`), fullPage: true });
        }
      }
    }
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize(WIDE);
  }
  return { looksRight };
}
