// An edit of the policy in a real browser, beside a gate in a cluster with a floor: from the first key to the last replica,
// an edit that somebody else overtakes, one that the gate's guard asks about once more, and the way back. See
// tests/e2e/cases/console.sh.
//
// Usage: node apply.mjs ADDRESS OVERTAKE [PICTURES]
//   ADDRESS   as the console prints it
//   OVERTAKE  a shell command by which somebody else changes the ConfigMap
//   PICTURES  a folder for pictures of the dialogs

import assert from "node:assert/strict";
import { execSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { Stage } from "./stage.mjs";
import { checks } from "./looks.mjs";
import { writer } from "./policy.mjs";

const [address, overtake, pictures] = process.argv.slice(2);
if (!overtake) {
  console.error("usage: apply.mjs ADDRESS OVERTAKE [PICTURES]");
  process.exit(2);
}
if (pictures) mkdirSync(pictures, { recursive: true });
const stage = new Stage();
const { looksRight } = checks(pictures);
try {
  const browser = await stage.browser();
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
  page.setDefaultTimeout(60_000);
  const said = [];
  page.on("pageerror", (error) => said.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !/409|422/.test(message.text())) said.push(message.text());
  });
  await page.goto(address);

  // What runs, beside what was seen.
  await page.click("nav >> text=Images");
  await page.click(".views >> text=Both");
  const agent = page.locator(".rows [role=row]", { hasText: "quay.io/acme/agent:1" });
  await agent.waitFor();
  assert.match(await agent.textContent(), /admitted.*Deployment agent0/);
  assert.match(await page.locator(".rows [role=row]", { hasText: "acme/imagegate:1" }).first().textContent(), /not judged/);
  await looksRight(page, "both");
  await page.click(".views >> text=Running now");
  await agent.waitFor();
  await page.selectOption("label:has-text('If it started again') select", "refused");
  await page.waitForSelector("text=No image is like that");

  await page.click("nav >> text=Policy");
  const write = writer(page);
  const tight = "allowedRegistries: [docker.io, gcr.io]\n";

  // Said no to, nothing happens.
  await write(tight);
  await page.waitForSelector(".hits.is-deny >> text=quay.io/acme/agent:1");
  await page.click("text=Put in force…");
  await page.waitForSelector("dialog .hits.is-deny >> text=quay.io/acme/agent:1");
  await looksRight(page, "confirm");
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Cancel");
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog", { state: "detached" });

  // Somebody else comes first.
  await page.click("text=Put in force…");
  await page.waitForSelector("dialog .hits.is-deny");
  execSync(overtake, { stdio: "ignore" });
  await page.click("dialog >> text=Yes,");
  await page.waitForSelector("dialog >> text=Somebody else came first, and nothing was overwritten");
  if (pictures) await looksRight(page, "conflict");
  await page.click("dialog >> text=Close");
  assert.match(await page.textContent(".cm-content"), /docker\.io, gcr\.io\]/, "the text is still there");

  // On what is there now, it is put in force, and the floor follows.
  await write("allowedRegistries: [docker.io, gcr.io, quay.io]\nrefuseEditsThatDeny: 0\n");
  await page.waitForSelector(".changes >> text=refuseEditsThatDeny");
  await page.click("text=Put in force…");
  await page.waitForSelector("dialog >> text=the floor is made anew once every replica enforces it");
  await page.click("dialog >> text=Yes,");
  await page.waitForSelector(".way.is-done >> text=2 of 2 replicas enforce");
  await page.waitForSelector(".way.is-done >> text=/the floor is of [0-9a-f]+ now/");
  await page.waitForSelector("text=Nothing is changed yet");

  // What refuses more than an edit may is asked about once more.
  await write(tight);
  await page.waitForSelector(".hits.is-deny >> text=quay.io/acme/agent:1");
  await page.click("text=Put in force…");
  await page.waitForSelector("dialog .hits.is-deny");
  await page.click("dialog >> text=Yes,");
  await page.waitForSelector("dialog >> text=The gate refuses this edit");
  assert.doesNotMatch(await page.textContent("dialog"), /--confirm/);
  if (pictures) await looksRight(page, "guard");
  await page.click("dialog button >> text=Do it all the same");
  await page.waitForSelector("dialog", { state: "detached" });
  await page.waitForSelector(".way.is-running");
  await page.waitForSelector(".way.is-done >> text=2 of 2 replicas enforce");
  await page.waitForSelector("text=Nothing is changed yet");
  if (pictures) await looksRight(page, "done");

  // And back.
  await page.locator(".history button").first().click();
  await page.waitForSelector("dialog .hits.is-allow");
  await page.click("dialog >> text=Yes,");
  await page.waitForSelector(".way.is-running");
  await page.waitForSelector(".way.is-done >> text=2 of 2 replicas enforce");
  assert.deepEqual(said, [], "the browser has nothing to complain of");
} finally {
  await stage.close();
}
