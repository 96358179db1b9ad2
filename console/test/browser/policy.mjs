// The page Policy beside gates that are in no cluster: what an edit would do is shown, and nothing can be put in force.
// An edit that is made is in apply.mjs.

import assert from "node:assert/strict";

/** Writes a text into an editor, in place of what is there. */
export function writer(page, editor = page.locator(".cm-content")) {
  return async (text) => {
    await editor.click();
    await page.keyboard.press("Control+a");
    // What the browser puts in place of a selection has a style of its own, which it then complains of.
    await page.keyboard.press("Delete");
    await page.keyboard.insertText(text);
  };
}

export async function policySteps({ page, step, stage, first, looksRight, eventually }) {
  const write = writer(page);
  const base = "allowedRegistries: [registry.example.com, gcr.io/acme, docker.io/library]\n";

  await step("the policy is read, its editor is loaded, and why it cannot be written is said", async () => {
    await page.click("nav >> text=Policy");
    await page.waitForSelector(".cm-content");
    assert.match(await page.textContent(".cm-content"), /allowedRegistries/);
    assert.match(await page.textContent(".is-locked"), /no cluster to write to/);
    assert.equal(await page.locator("button.main").count(), 0);
    await looksRight(page, "policy");
  });

  await step("whom an edit hits follows the keys", async () => {
    await write(base);
    await page.waitForSelector(".hits, .nobody");
    const images = async () => {
      const title = await page.locator(".hits.is-deny h4").first().textContent({ timeout: 20_000 });
      return Number(title.split(" ")[0].replace(/\D/g, ""));
    };
    await page.keyboard.type("requireDigest: true\n", { delay: 5 });
    await page.waitForSelector(".changes >> text=requireDigest");
    const all = await images();
    assert.ok(all > 100, `${all} images are without a digest`);
    await looksRight(page, "hits");
    await write(`${base}mode: warn\n`);
    await page.waitForSelector(".hits.is-allow");
    await page.waitForSelector(".hits.is-deny", { state: "detached" });
    await page.waitForSelector(".changes .is-loose");
  });

  await step("texts that try to break out are texts here, too", async () => {
    await stage.traffic(first, "--hostile");
    await write(`${base}mode: audit\nexemptions:\n- {name: "<img src=x onerror=alert(1)>", images: [a.example/b], reason: "</script>", expires: 2099-01-01}\n`);
    await eventually(page, "a name as text", () => document.querySelector(".changes, .problems")?.textContent.includes("<img src=x onerror=alert(1)>"));
    assert.equal(await page.locator("main img, main script, [onerror]").count(), 0);
  });

  await step("what is wrong is underlined while it is typed", async () => {
    await write("mode: wran\nallowedRegistry: [a]\n");
    await page.waitForSelector(".cm-lintRange-error");
    const marked = await page.locator(".cm-lintRange-error").allTextContents();
    assert.ok(marked.includes("wran") && marked.includes("allowedRegistry"), marked.join(", "));
    assert.match(await page.textContent(".editing .problems"), /policy\.yaml:1:7/);
    await looksRight(page, "invalid");
    await write(base);
    await page.waitForSelector(".cm-lintRange-error", { state: "detached" });
  });

  await step("fields are completed and described by the schema", async () => {
    await write(base);
    await page.keyboard.type("imagePull");
    await page.waitForSelector(".cm-tooltip-autocomplete >> text=imagePullPolicy");
    await page.waitForTimeout(100);
    await page.keyboard.press("Enter");
    await page.keyboard.type("alw");
    await page.waitForSelector(".cm-tooltip-autocomplete >> text=alwaysForMutableTags");
    await page.keyboard.press("Escape");
    await page.locator(".cm-line >> text=allowedRegistries").first().hover({ position: { x: 20, y: 8 } });
    await page.waitForSelector(".cm-field >> text=The registries that images may come from");
    await page.mouse.move(0, 0);
  });

  await step("it is compared with the policy in force, and the keyboard leads out of it", async () => {
    await page.click("text=Compare with the policy in force");
    await page.waitForSelector(".cm-mergeView");
    await looksRight(page, "compare");
    await page.click("text=Compare with the policy in force");
    await page.waitForSelector(".cm-mergeView", { state: "detached" });
    await page.click(".cm-content");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.querySelector(".host").matches(":focus-within")), false);
  });

  await step("a denial leads to an exemption that is written into the text", async () => {
    await page.click("text=Start over");
    await page.click("nav >> text=Now");
    await page.locator(".decision.is-deny > button", { hasText: "untrusted-registry" }).first().click();
    await page.click("text=Write the exemption here");
    await page.waitForSelector("#exemption");
    await page.fill(".exemption input[required][type=text]", 'INC-7 "quoted"');
    await looksRight(page, "exemption");
    await page.click("text=Write it into the text");
    await page.waitForSelector("#exemption", { state: "detached" });
    await page.waitForSelector(".cm-line >> text=INC-7");
    await page.waitForSelector(".hits.is-allow");
    await page.waitForSelector(".changes >> text=exemption");
  });

  await step("what is written is kept while another page is looked at, until it is dropped", async () => {
    await write(`${base}requireTag: false\n`);
    await page.waitForSelector(".changes >> text=requireTag");
    await page.click("nav >> text=Now");
    await page.click("nav >> text=Policy");
    await page.waitForSelector(".changes >> text=requireTag");
    await page.click("text=Start over");
    await page.waitForSelector("text=Nothing is changed yet");
  });
}
