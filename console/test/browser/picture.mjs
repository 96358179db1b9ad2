// Draws the picture of the console for README and docs: two gates after some minutes of sample traffic.
//
// Usage: node picture.mjs GATE PLUGIN PICTURE [SECONDS]

import { Stage } from "./stage.mjs";

const [gate, plugin, picture, seconds = "240"] = process.argv.slice(2);
if (!picture) {
  console.error("usage: picture.mjs GATE PLUGIN PICTURE [SECONDS]");
  process.exit(2);
}
const stage = new Stage(gate, plugin);
try {
  const [first, second] = [await stage.gate("first"), await stage.gate("second")];
  stage.forever(first, second);
  const address = await stage.console(first, second);
  const browser = await stage.browser();
  const viewport = { width: 1280, height: 1500 };
  const page = await browser.newPage({ viewport, deviceScaleFactor: 2, colorScheme: "light" });
  await page.goto(address);
  await page.waitForTimeout(Number(seconds) * 1000);
  // One whose explanation has something to suggest.
  await page.locator(".decision.is-deny > button", { hasText: "blocked-tag" }).first().click();
  await page.waitForSelector(".steps");
  await page.mouse.move(0, 0);
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: picture });
} finally {
  await stage.close();
}
