// Draws the moving picture of an edit: whom it hits changes while it is typed. Two gates without a cluster, after some
// sample traffic; the frames and their times in milliseconds are for resources/film.py.
//
// Usage: node film.mjs GATE PLUGIN FOLDER

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Stage } from "./stage.mjs";

const [gate, plugin, folder] = process.argv.slice(2);
if (!folder) {
  console.error("usage: film.mjs GATE PLUGIN FOLDER");
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
const stage = new Stage(gate, plugin);
const times = [];
try {
  const first = await stage.gate("first");
  await stage.traffic(first, "--reviews", "400");
  const address = await stage.console(first);
  const browser = await stage.browser();
  const page = await browser.newPage({ viewport: { width: 1200, height: 760 }, colorScheme: "light" });
  page.setDefaultTimeout(60_000);
  await page.goto(address);
  await page.click("nav >> text=Policy");
  await page.waitForSelector(".cm-content");

  const frame = async (milliseconds) => {
    await page.screenshot({ path: join(folder, `${String(times.length).padStart(4, "0")}.png`) });
    times.push(milliseconds);
  };
  /** As fast as somebody types, with what the page makes of it in the end. */
  const type = async (text, holds) => {
    for (const key of text) {
      await page.keyboard.type(key);
      await frame(90);
    }
    if (holds) await page.waitForSelector(holds);
    await page.waitForFunction(() => !document.querySelector(".is-late, [aria-busy=true]"));
    await frame(2600);
  };
  const toLineEnd = async (part) => {
    await page.locator(`.cm-line >> text=${part}`).first().click();
    await page.mouse.move(0, 0);
    await page.keyboard.press("End");
  };

  await page.locator(".is-locked").evaluate((it) => it.remove());
  await page.locator(".editing").evaluate((it) => scrollTo(0, it.offsetTop - 16));
  await frame(1800);
  const back = async (count) => {
    for (let key = 0; key < count; key += 1) {
      await page.keyboard.press("Backspace");
      await frame(60);
    }
  };
  await toLineEnd("requireDigest");
  await frame(600);
  await back("false".length);
  await type("tr", ".cm-tooltip-autocomplete");
  await page.keyboard.press("Enter");
  await type("", ".hits.is-deny");
  await back("true".length);
  await type("false", ".nobody, .empty");
  await toLineEnd("mode: enforce");
  await back("enforce".length);
  await type("wran", ".cm-lintRange-error");
  await page.keyboard.press("Escape");
  await back("ran".length);
  await type("arn", ".hits.is-allow");
  await back("warn".length);
  await type("enforce");
  await page.keyboard.press("Escape");
  await toLineEnd("blockedRegistries");
  await back("[]".length);
  await type("[docker.io", ".hits.is-deny");
  await frame(2500);
  writeFileSync(join(folder, "times.json"), JSON.stringify(times));
} finally {
  await stage.close();
}
