// Draws the picture of the playground for the docs.
//
// Usage: node playground-picture.mjs PICTURE

import { hosted } from "./playground.mjs";
import { Stage } from "./stage.mjs";

const [picture] = process.argv.slice(2);
if (!picture) {
  console.error("usage: playground-picture.mjs PICTURE");
  process.exit(2);
}
const stage = new Stage();
const host = await hosted();
try {
  const browser = await stage.browser();
  const page = await browser.newPage({ viewport: { width: 1280, height: 960 }, deviceScaleFactor: 2, colorScheme: "light" });
  await page.goto(host.address);
  await page.click("text=Deployment");
  await page.locator(".finding > button", { hasText: "gcr.io" }).click();
  await page.waitForSelector(".steps");
  await page.waitForSelector(".cm-lintRange-error");
  await page.mouse.move(0, 0);
  await page.screenshot({ path: picture, fullPage: true });
} finally {
  host.close();
  await stage.close();
}
