// Draws a picture of the console for README and docs: the page Now of two gates after some minutes of sample traffic, or
// the page Policy with an edit that hits some of it.
//
// Usage: node picture.mjs GATE PLUGIN PICTURE [now|policy] [SECONDS]

import { writer } from "./policy.mjs";
import { Stage } from "./stage.mjs";

const EDIT = `# What may run here.
allowedRegistries:
  - registry.example.com
  - gcr.io/acme
blockedTags: [latest, "*-rc*"]
requireTag: true
overrides:
  - name: sandboxes
    namespaces: ["dev-*"]
    mode: warn
exemptions:
  - name: agent
    images: [ghcr.io/someone/api]
    namespaces: [monitoring]
    reason: the vendor publishes it nowhere else
    owner: platform
    expires: 2099-01-31
`;

const [gate, plugin, picture, page = "now", seconds = "240"] = process.argv.slice(2);
const draw = { now: drawNow, policy: drawPolicy }[page];
if (!picture || !draw) {
  console.error("usage: picture.mjs GATE PLUGIN PICTURE [now|policy] [SECONDS]");
  process.exit(2);
}
const stage = new Stage(gate, plugin);
try {
  await draw([await stage.gate("first"), await stage.gate("second")]);
} finally {
  await stage.close();
}

async function open(gates, height) {
  const address = await stage.console(...gates);
  const browser = await stage.browser();
  const viewport = { width: 1280, height };
  const page = await browser.newPage({ viewport, deviceScaleFactor: 2, colorScheme: "light" });
  await page.goto(address);
  return page;
}

async function drawNow(gates) {
  stage.forever(...gates);
  const page = await open(gates, 1500);
  await page.waitForTimeout(Number(seconds) * 1000);
  // One whose explanation has something to suggest, near the top, so that it is in the picture.
  await page.locator(".decision.is-deny > button", { hasText: /blocked-tag|untrusted-registry/ }).first().click();
  await page.waitForSelector(".steps");
  await page.mouse.move(0, 0);
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: picture });
}

async function drawPolicy(gates) {
  for (const gate of gates) await stage.traffic(gate, "--reviews", "400");
  const page = await open(gates, 860);
  await page.click("nav >> text=Policy");
  await page.waitForSelector(".cm-content");
  await writer(page)(EDIT);
  await page.waitForSelector(".hits.is-deny");
  await page.waitForFunction(() => !document.querySelector(".is-late, [aria-busy=true]"));
  // That there is no cluster to write to is so here alone.
  await page.locator(".is-locked").evaluate((it) => it.remove());
  await page.locator(".cm-content").evaluate((it) => it.blur());
  await page.mouse.move(0, 0);
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: picture });
}
