// The console in a real browser, beside real gates: every state of its pages, texts that try to break out, twenty
// thousand images, a gate that is killed and comes back, and what axe-core says of it.
//
// Usage: node run.mjs GATE PLUGIN [PICTURES]
//   GATE, PLUGIN  the binaries imagegate and kubectl-imagegate
//   PICTURES      a folder for pictures of each page
//   CHROMIUM      the browser, /usr/bin/chromium by default
//   CONSOLE_FILES a folder with app.js and app.css to take in place of those in the binary, while they are written; what
//                 the playground is made from is then taken from docs/playground

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { checks, WIDE } from "./looks.mjs";
import { PLAYGROUND, playgroundSteps } from "./playground.mjs";
import { policySteps, writer } from "./policy.mjs";
import { scrolled, slowed } from "./slow.mjs";
import { Stage } from "./stage.mjs";

const [gateBinary, pluginBinary, pictures] = process.argv.slice(2);
if (!pluginBinary) {
  console.error("usage: run.mjs GATE PLUGIN [PICTURES]");
  process.exit(2);
}
if (pictures) mkdirSync(pictures, { recursive: true });

const IMAGES = 20_000;
const { looksRight } = checks(pictures);

const stage = new Stage(gateBinary, pluginBinary);
let steps = 0;

async function step(name, work) {
  const start = performance.now();
  await work();
  steps += 1;
  console.log(`ok    ${name} (${Math.round(performance.now() - start)} ms)`);
}

/** Looks again until it holds; the page is never loaded anew for it. */
async function eventually(page, what, holds, argument) {
  await page.waitForFunction(holds, argument, { timeout: 40_000 }).catch(() => {
    throw new Error(`it does not come to this: ${what}`);
  });
}

async function main() {
  const first = await stage.gate("first");
  const second = await stage.gate("second");
  await stage.traffic(first, "--reviews", "300");
  const address = await stage.console(first, second);
  const browser = await stage.browser();
  const context = await browser.newContext({ viewport: WIDE, acceptDownloads: true });
  if (process.env.CONSOLE_FILES) {
    await context.route(/\/(app|playground|editor|worker)\.(js|css)$/, async (route) => {
      const response = await route.fetch();
      const { pathname } = new URL(route.request().url());
      const name = pathname.replace(/^\/playground\//, "");
      const folder = name === pathname ? process.env.CONSOLE_FILES : PLAYGROUND;
      await route.fulfill({ response, body: readFileSync(join(folder, name)) });
    });
  }
  const page = await context.newPage();
  const said = [];
  page.on("pageerror", (error) => said.push(error.message));
  page.on("dialog", (dialog) => said.push(`dialog: ${dialog.message()}`));
  page.on("console", (message) => {
    // A request that found nobody is told on the page.
    if (message.type() === "error" && !/ERR_CONNECTION|503|403/.test(message.text())) said.push(message.text());
  });
  const foreign = [];
  page.on("request", (request) => {
    const { protocol, host } = new URL(request.url());
    if (protocol !== "blob:" && host !== new URL(address).host) foreign.push(request.url());
  });

  await step("without the address there is nothing to see", async () => {
    const stranger = await (await browser.newContext()).newPage();
    const answer = await stranger.goto(new URL("/", address).href);
    assert.equal(answer.status(), 403);
    assert.match(await stranger.textContent("body"), /Open the address that kubectl printed/);
    await stranger.context().close();
  });

  await step("the address leads to the page, and its secret leaves the address bar", async () => {
    await page.goto(address);
    assert.equal(page.url(), new URL("/", address).href);
    const [cookie] = await context.cookies();
    assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.expires], [true, "Strict", -1]);
    assert.equal(await page.evaluate(() => document.cookie), "");
    await eventually(page, "live", () => document.querySelector(".live")?.textContent.includes("Live · 2 replicas"));
  });

  await step("a page of another site reads nothing, not even of this machine", async () => {
    const { port } = new URL(address);
    const elsewhere = await context.newPage();
    await elsewhere.goto(`http://localhost:${first.ports[1]}/healthz`);
    const read = await elsewhere.evaluate(
      (target) => fetch(target, { credentials: "include" }).then((answer) => answer.status, () => "refused"),
      `http://127.0.0.1:${port}/api/now`,
    );
    assert.equal(read, "refused");
    await elsewhere.close();
  });

  await step("what is decided while it is open is counted, drawn and listed", async () => {
    await stage.traffic(first, "--reviews", "80");
    await stage.traffic(second, "--reviews", "40");
    await eventually(page, "rates", () => /[1-9]/.test(document.querySelector(".figures .is-allow .value")?.textContent));
    await eventually(page, "rules", () => document.querySelectorAll(".charts .bars li").length >= 3);
    await eventually(page, "heat map", () => /Of [1-9]/.test(document.querySelector(".charts .wide")?.textContent));
    await eventually(page, "decisions", () => document.querySelectorAll(".decision.is-deny").length >= 20);
  });

  await step("a replica is looked at by itself", async () => {
    const both = await page.textContent(".charts .caption");
    await page.selectOption(".switch select", { index: 2 });
    assert.notEqual(await page.textContent(".charts .caption"), both);
    await page.selectOption(".switch select", { index: 0 });
  });

  await step("a denial is explained rule by rule, by the keyboard alone", async () => {
    const entry = page.locator(".decision > button").first();
    await entry.focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector(".steps .is-failed");
    assert.match(await page.textContent(".explanation"), /Would be accepted/);
    assert.equal(await entry.getAttribute("aria-expanded"), "true");
    await looksRight(page, "now");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".explanation", { state: "detached" });
  });

  await step("texts that try to break out are texts", async () => {
    await stage.traffic(first, "--hostile");
    await eventually(page, "markup as text", () => document.body.textContent.includes("<img src=x onerror=alert(1)>"));
    await eventually(page, "direction written out", () => document.body.textContent.includes("\\u{202e}txt.exe"));
    assert.equal(await page.locator("main img, main script, [onfocus], [onerror]").count(), 0);
    await page.locator(".decision > button", { hasText: "<img src=x" }).first().click();
    await page.waitForSelector(".steps .is-failed");
    assert.equal(await page.locator("main img, main script").count(), 0);
    assert.match(await page.title(), /^Now · ImageGate console$/);
    await page.locator(".decision > button[aria-expanded=true]").click();
  });

  await step("replicas that differ are loud, and quiet once they agree", async () => {
    stage.edit(second, (text) => text.replace("docker.io/library", "docker.io"));
    await page.waitForSelector(".disagree", { timeout: 60_000 });
    assert.equal(await page.locator(".disagree li").count(), 2);
    await looksRight(page, "differ");
    stage.edit(second, (text) => text.replace("docker.io]", "docker.io/library]"));
    await page.waitForSelector(".disagree", { state: "detached", timeout: 60_000 });
  });

  await step("a replica that is lost is said to be, and so is a gate", async () => {
    await stage.end(second);
    await eventually(page, "one is lost", () => /1 of 2 replicas/.test(document.querySelector(".live")?.textContent));
    await stage.end(first);
    await eventually(page, "both are lost", () => /no replica answers/.test(document.querySelector(".state")?.textContent));
    await looksRight(page, "lost");
  });

  await step("the page goes on by itself when the gate is back", async () => {
    Object.assign(first, await stage.gate("first", first.ports));
    Object.assign(second, await stage.gate("second", second.ports));
    await eventually(page, "live again", () => /Live · 2 replicas/.test(document.querySelector(".live")?.textContent));
    assert.equal(await page.locator(".state").count(), 0);
    await stage.traffic(first, "--reviews", "20");
    await eventually(page, "what may be missing", () => /started anew at/.test(document.body.textContent));
  });

  await step("an empty memory is no empty page", async () => {
    const third = await stage.gate("third");
    const other = await stage.console(third);
    const fresh = await (await browser.newContext({ viewport: WIDE })).newPage();
    await fresh.goto(other);
    await fresh.waitForSelector(".is-live");
    assert.match(await fresh.textContent(".decisions, .empty >> nth=-1"), /Nothing was denied/);
    await fresh.click("text=Images");
    await fresh.waitForSelector("text=No image yet");
    await looksRight(fresh, "empty");
    await fresh.context().close();
    await stage.end(third);
  });

  await step(`${IMAGES} images are a table that scrolls`, async () => {
    await stage.traffic(first, "--images", String(IMAGES));
    await stage.traffic(first, "--hostile");
    await page.click("text=Images");
    await eventually(page, "all of them", (least) => {
      const title = document.querySelector("#uses")?.textContent ?? "";
      return Number(title.replace(/\D/g, "")) >= least;
    }, IMAGES);
    const rows = () => page.locator(".rows [role=row]").count();
    assert.ok((await rows()) < 100, `${await rows()} rows are laid out`);
    const frames = await scrolled(page, 100);
    await page.locator(".uses").evaluate((table) => {
      table.scrollTop = table.scrollHeight;
    });
    console.log(`      a frame took ${frames[50].toFixed(1)} ms in the median, ${frames[95].toFixed(1)} ms at worst but five`);
    const end = await page.locator(".uses").getAttribute("aria-rowcount");
    await page.waitForSelector(`.rows [aria-rowindex="${end}"]`);
    assert.match(await page.textContent(".without-cluster"), /with --endpoint there is no cluster/);
    assert.equal(await page.locator(".views").count(), 0);
    await page.locator(".uses").focus();
    await page.keyboard.press("Home");
    await page.waitForSelector('.rows [aria-rowindex="2"]');
    await looksRight(page, "images");
  });

  await step("rows are found, sorted and taken away", async () => {
    const found = async () => Number((await page.textContent("#uses")).split(" ")[0].replace(/\D/g, ""));
    const all = await found();
    await page.fill("input[type=search]", "team-42/");
    assert.ok((await found()) < all && (await found()) > 0);
    await page.click(".titles .is-image button");
    const images = await page.locator(".rows .is-image").allTextContents();
    assert.deepEqual(images, [...images].sort());
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("text=Save as CSV")]);
    const csv = readFileSync(await download.path(), "utf8").trimEnd().split("\r\n");
    assert.equal(csv.length - 1, await found());
    assert.ok(csv.slice(1).every((line) => line.includes("team-42/")));
    await page.click("text=Show all");
    await page.selectOption("label:has-text('When last seen') select", "refused");
    assert.ok((await page.locator(".rows [role=row]:not(.is-refused)").count()) === 0);
    await page.click("text=Show all");
    const [registry] = await page.locator(".bars .name").allTextContents();
    await page.click(`.bars button:has-text("${registry}")`);
    assert.ok((await found()) < all);
    await page.click("text=Show all");
    await page.fill("input[type=search]", "onerror");
    assert.ok((await found()) > 0);
    assert.equal(await page.locator("main img, main script").count(), 0);
  });

  await policySteps({ page, step, stage, first, looksRight, eventually });
  await playgroundSteps({ console: page, browser, step, looksRight, eventually });

  await step("on a CPU that is four times slower", async () => {
    await page.click("nav >> text=Images");
    await page.waitForSelector(".rows [role=row]");
    await slowed(page, writer(page));
    await page.click("text=Start over");
  });

  await step("the first paint, and what was loaded", async () => {
    await page.goto(new URL("/#now", address).href);
    await page.reload();
    await page.waitForSelector(".is-live");
    const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
    console.log(`      first paint after ${Math.round(paint)} ms`);
    assert.deepEqual(foreign, [], "nothing is loaded from elsewhere");
    assert.deepEqual(said, [], "the browser has nothing to complain of");
  });
}

try {
  await main();
  console.log(`${steps} passed, 0 failed`);
} finally {
  await stage.close();
}
