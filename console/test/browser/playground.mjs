// The playground, as the console serves it and as anybody can host it: the verdict follows the keys, a link holds all
// of it, nothing is sent, and an engine that fails is begun anew.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateRawSync } from "node:zlib";
import { WIDE } from "./looks.mjs";
import { writer } from "./policy.mjs";

/** The static build. */
export const PLAYGROUND = join(dirname(fileURLToPath(import.meta.url)), "../../../docs/playground");
const HOSTILE = "<img src=x onerror=alert(1)>";

export async function playgroundSteps({ console, browser, step, looksRight, eventually }) {
  await step("a denial is tried in the playground, by the policy in force, and an edit is there when one comes back", async () => {
    const { verdict, policy, write } = hands(console, eventually);
    await console.click("nav >> text=Now");
    await console.locator(".decision.is-deny > button", { hasText: "untrusted-registry" }).first().click();
    await console.click("text=Try it in the playground");
    await console.waitForURL(/\/playground\/\?console#v1\./);
    await verdict("The image is denied");
    assert.match(await policy.textContent(), /registry\.example\.com/);
    await console.waitForSelector(".finding .steps .is-failed");
    await console.click("nav >> text=Policy");
    await console.waitForSelector(".cm-content");
    await write(policy, "requireDigest: true\n");
    await console.waitForSelector(".changes >> text=requireDigest");
    await console.click("nav >> text=Playground");
    await console.waitForURL(/\/playground\/\?console#v1\./);
    await verdict("Paste an image or a manifest");
    assert.match(await policy.textContent(), /registry\.example\.com/, "the policy in force, and not a draft");
    await console.click("nav >> text=Policy");
    await console.waitForSelector(".changes >> text=requireDigest");
    await console.click("text=Start over");
  });

  await step("nothing but its worker runs WebAssembly, and it connects to nobody", async () => {
    const other = await console.context().newPage();
    await other.goto(new URL("/playground/?console", console.url()).href);
    await hands(other, eventually).verdict("Paste an image or a manifest");
    const done = await other.evaluate(() => {
      const module = new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
      const tries = [
        () => WebAssembly.compile(module),
        () => fetch("/api/now"),
        () => fetch("worker.js"),
        () => new Worker("worker.js"),
        () => trustedTypes.createPolicy("playground", {}),
      ];
      return Promise.all(tries.map(async (attempt) => attempt()).map((tried) => tried.then(() => true, () => false)));
    });
    assert.deepEqual(done, [false, false, false, false, false]);
    await other.close();
  });

  const context = await browser.newContext({ viewport: WIDE });
  const page = await context.newPage();
  const { verdict, manifest, policy, write } = hands(page, eventually);
  const host = await hosted();
  const { origin } = new URL(host.address);
  // The page and the worker, wherever they ask.
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  const said = [];
  page.on("pageerror", (error) => said.push(error.message));
  page.on("dialog", (dialog) => said.push(`dialog: ${dialog.message()}`));
  page.on("console", (message) => {
    // An engine that is missing is told on the page.
    if (message.type() === "error" && !/404/.test(message.text())) said.push(message.text());
  });
  await step("it runs from a folder of any server, and looks as it should", async () => {
    await page.goto(host.address);
    await verdict("Paste an image or a manifest");
    assert.equal(await page.locator("nav").count(), 0, "no console, no way there");
    await looksRight(page, "playground-empty");
    await page.click("text=Deployment");
    await verdict("2 of 3 images are denied");
    assert.deepEqual(await page.locator(".cm-lintRange-error").allTextContents(), [
      "registry.example.com/shop/migrate",
      "gcr.io/acme/proxy:2.1",
    ]);
  });
  const loaded = asked.length;
  const isInSight = async (text) => {
    const line = await page.locator(".cm-line", { hasText: text }).boundingBox();
    const frame = await page.locator(".host").first().boundingBox();
    return line.y >= frame.y && line.y + line.height <= frame.y + frame.height;
  };

  await step("a finding opens and leads to its place, by the keyboard alone", async () => {
    const entry = page.locator(".finding > button", { hasText: "gcr.io" });
    await entry.focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector(".finding .steps .is-failed");
    assert.match(await page.textContent(".explanation"), /Would be accepted/);
    assert.ok(await isInSight("gcr.io"));
    await looksRight(page, "playground");
    await page.locator(".explanation >> text=Line 20").focus();
    await page.keyboard.press("Enter");
    await eventually(page, "the editor", () => document.activeElement.matches(".host"));
    assert.ok(await isInSight("gcr.io"));
    await page.keyboard.type("docker.io/library/nginx:1.29");
    await verdict("1 of 3 images is denied");
    // Out of the editor again.
    await page.keyboard.press("Escape");
    await page.keyboard.press("Tab");
    await eventually(page, "the next field", () => document.activeElement.matches(".filters input"));
  });

  await step("a Helm output, broken YAML and lines of images are judged, and so are their users", async () => {
    await page.click("text=Helm output");
    await verdict("1 of 4 images is denied");
    assert.match(await page.textContent(".counts"), /1 exempt/);
    await page.click("text=Broken YAML");
    await page.waitForSelector(".problems >> text=Line");
    await page.waitForSelector(".cm-lintRange-error");
    await write(manifest, "docker.io/library/nginx:1.29\nnginx:latest\n");
    await verdict("1 of 2 images is denied");
    assert.deepEqual(await page.locator(".cm-lintRange-error").allTextContents(), ["nginx:latest"]);
    await write(policy, "mode: wran\n");
    await verdict("The policy is not valid");
    assert.deepEqual(await page.locator(".cm-lintRange-error").allTextContents(), ["wran"]);
    await write(policy, "allowedRegistries: [docker.io]\nexemptions:\n  - {name: a, images: [quay.io/**], reason: b, users: [kim]}\n");
    await write(manifest, "quay.io/acme/web:1\n");
    await verdict("The image is denied");
    await page.fill("label:has-text('User') input", "kim");
    await verdict("The image is admitted");
  });

  await step("a link holds all of it, and changes the address when it is asked for", async () => {
    assert.equal(page.url(), host.address);
    await page.fill("label:has-text('Groups') input", "dev, ops");
    await page.click("text=Copy a link to this");
    await page.waitForSelector("text=in the address bar");
    const link = page.url();
    assert.ok(link.startsWith(`${host.address}#v1.`), link);
    // The browser looks at the icon again where the address has changed.
    const icon = `${host.address}favicon.svg`;
    assert.deepEqual(asked.slice(loaded).filter((url) => url !== icon), [], "nothing is sent");
    await page.goto("about:blank");
    await page.goto(link);
    await verdict("The image is admitted");
    assert.match(await manifest.textContent(), /quay\.io\/acme\/web:1/);
    assert.equal(await page.inputValue("label:has-text('Groups') input"), "dev, ops");
    await page.waitForSelector("text=the link that led here");
  });

  await step("a link from a stranger fills the fields, and does no more", async () => {
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: HOSTILE }, spec: { containers: [{ name: HOSTILE, image: HOSTILE }] } };
    const texts = { policy: "", manifest: JSON.stringify(pod), namespace: HOSTILE, user: "</script>", groups: ["\u202e"] };
    const link = (content) => `${host.address}#v1.${deflateRawSync(JSON.stringify(content)).toString("base64url")}`;
    await page.goto(link(texts));
    await verdict("The image is denied");
    await page.waitForSelector(".explanation");
    assert.match(await page.textContent(".explanation"), /<img src=x onerror=alert\(1\)>/);
    assert.equal(await page.locator("main img, main script, [onerror]").count(), 0);
    await page.goto(link({ ...texts, manifest: "a".repeat(40 << 20) }));
    await page.waitForSelector(".state >> text=more than 6 MiB");
    await verdict("Paste an image or a manifest");
    await page.goto(`${host.address}#v1.broken`);
    await page.waitForSelector(".state >> text=this link cannot be read");
    assert.ok(asked.every((url) => url.startsWith(origin) || !url.startsWith("http")), "nobody else is asked");
  });

  await step("an engine that is missing, fails or never ends is told, and begun anew", async () => {
    host.engine = null;
    await page.clock.install();
    await page.goto("about:blank");
    await page.goto(host.address);
    await page.waitForSelector("text=the engine cannot be loaded");
    host.engine = engine(0x00);
    await page.click("text=Try again");
    await page.waitForSelector("text=the engine failed on this");
    host.engine = engine(0x03, 0x40, 0x0c, 0x00, 0x0b);
    const begun = page.waitForResponse(/imagegate\.wasm$/);
    await write(manifest, "docker.io/library/nginx:1.29\n");
    await begun;
    const ended = page.locator("text=judging was ended after 5 s");
    while ((await ended.count()) === 0) await page.clock.fastForward(1_000);
    host.engine = undefined;
    await write(manifest, "docker.io/library/nginx:1.30\n");
    await verdict("The image is admitted");
  });
  await step("it keeps up with the keys on a slow machine", async () => {
    // The clock of the other pages is not the real one any more.
    const slow = await browser.newPage({ viewport: WIDE });
    const throttle = await slow.context().newCDPSession(slow);
    await throttle.send("Emulation.setCPUThrottlingRate", { rate: 4 });
    await slow.goto(host.address);
    const { manifest, verdict } = hands(slow, eventually);
    await verdict("Paste an image or a manifest");
    const paint = await slow.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
    await manifest.click();
    const times = [];
    for (const key of ["n", "g", "i", "n", "x"]) {
      const begun = await slow.evaluate(() => performance.now());
      await slow.keyboard.press(key);
      const image = await manifest.textContent();
      await eventually(slow, image, (image) => document.querySelector(".finding .image")?.textContent === image, image);
      times.push((await slow.evaluate(() => performance.now())) - begun);
    }
    times.sort((one, other) => one - other);
    // In these 150 ms are the pause after the key.
    await slow.close();
    process.stdout.write(`      slowed down 4×: first paint after ${Math.round(paint)} ms, a verdict ${Math.round(times[2])} ms after a key\n`);
  });
  assert.deepEqual(said, [], "the browser has nothing to complain of");
  await context.close();
  host.close();
}

/** What is done on the page again and again. */
function hands(page, eventually) {
  const editor = (label) => page.locator(`.cm-content[aria-label="${label}"]`);
  const write = (where, text) => writer(page, where)(text);
  const verdict = (words) =>
    eventually(page, words, (words) => document.querySelector("h1.verdict")?.textContent.startsWith(words), words);
  return { verdict, write, manifest: editor("Image or manifest"), policy: editor("Policy") };
}

/** A plain server, with the files in a folder, that says nothing of what a page may do. */
export async function hosted() {
  const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
  const host = {
    /** Another engine than the one that is built: `null` for none. */
    engine: undefined,
    close: () => server.close(),
  };
  const server = createServer(async ({ url }, response) => {
    const { pathname } = new URL(url, "http://host");
    const name = pathname === "/some/folder/" ? "index.html" : pathname.replace(/^\/some\/folder\//, "");
    const isEngine = name === "imagegate.wasm" && host.engine !== undefined;
    const body = isEngine ? host.engine : await readFile(join(PLAYGROUND, name)).catch(() => null);
    response.writeHead(body ? 200 : 404, { "content-type": types[extname(name)] ?? "application/octet-stream" });
    response.end(body ?? "");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  host.address = `http://127.0.0.1:${server.address().port}/some/folder/`;
  return host;
}

/** A module with what the page asks of an engine, and these instructions in place of judging. */
function engine(...judging) {
  const section = (id, ...bytes) => [id, bytes.length, ...bytes];
  const exported = (name, kind, index) => [name.length, ...Buffer.from(name), kind, index];
  const body = (...code) => [code.length + 2, 0, ...code, 0x0b];
  return Buffer.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    // (i32) -> i32, () -> (), () -> i32
    ...section(1, 3, 0x60, 1, 0x7f, 1, 0x7f, 0x60, 0, 0, 0x60, 0, 1, 0x7f),
    ...section(3, 4, 0, 1, 2, 2),
    ...section(5, 1, 0, 2),
    ...section(
      7,
      5,
      ...exported("memory", 2, 0),
      ...["input", "judge", "output", "output_len"].flatMap((name, index) => exported(name, 0, index)),
    ),
    ...section(10, 4, ...body(0x41, 8), ...body(...judging), ...body(0x41, 0), ...body(0x41, 0)),
  ]);
}
