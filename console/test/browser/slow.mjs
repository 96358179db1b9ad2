// How the page does on a CPU that is four times slower: figures, for docs/console.md. What is too slow is for whoever
// reads them; a machine that does something else at the same time fails nothing here.

const RATE = 4;
/** Frames of a scroll. */
const FRAMES = 60;

/** Scrolls the table as fast as a wheel goes; the times of its frames, by the page's own clock, the shortest first. */
export function scrolled(page, frames) {
  return page.evaluate(async (frames) => {
    const table = document.querySelector(".uses");
    const times = [];
    let last = performance.now();
    for (let frame = 0; frame <= frames; frame += 1) {
      table.scrollTop += 300;
      await new Promise(requestAnimationFrame);
      times.push(performance.now() - last);
      last = performance.now();
    }
    return times.sort((one, other) => one - other);
  }, frames);
}

/** Beside what `work` does, the longest time for which the page answers nothing, of those above 50 ms; in milliseconds. */
async function longest(page, work) {
  await page.evaluate(() => {
    window.tasks = [0];
    window.watcher = new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration)));
    watcher.observe({ type: "longtask" });
  });
  const result = await work();
  const task = await page.evaluate(() => {
    tasks.push(...watcher.takeRecords().map(({ duration }) => duration));
    watcher.disconnect();
    return Math.max(...tasks);
  });
  return [result, task];
}

const whole = (milliseconds) => `${Math.round(milliseconds)} ms`;
const blocked = (task) => (task === 0 ? "nothing above 50 ms at a time" : `at most ${whole(task)} at a time`);

/** On the page Policy, whose text is written by `write`. */
async function typed(page, write) {
  await write("mode: enforce\n");
  await page.waitForSelector(".hits, .nobody");
  return longest(page, async () => {
    // From a key to the frame that shows it.
    await page.evaluate(() => {
      window.keys = [];
      document.addEventListener(
        "keydown",
        ({ timeStamp }) => requestAnimationFrame(() => setTimeout(() => keys.push(performance.now() - timeStamp))),
        { capture: true },
      );
    });
    await page.keyboard.type("allowedRegistries: [docker.io]\n", { delay: 60 });
    const start = performance.now();
    await page.waitForSelector(".changes >> text=allowedRegistries");
    await page.waitForFunction(() => document.querySelector(".hits.is-deny") && !document.querySelector(".is-late"));
    const effect = performance.now() - start;
    const keys = await page.evaluate(() => keys.sort((one, other) => one - other));
    return { keys, effect };
  });
}

/** Measures it once, and says it. The page shows the table of the images, and ends on the page Policy. */
export async function slowed(page, write) {
  const session = await page.context().newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate: RATE });
  try {
    const [frames, table] = await longest(page, () => scrolled(page, FRAMES));
    const middle = frames[Math.floor(frames.length / 2)];
    console.log(`      scrolled: a frame took ${whole(middle)} in the median, ${whole(frames.at(-4))} at worst but three; ${blocked(table)}`);
    const [, sorting] = await longest(page, async () => {
      await page.click(".titles .is-image button");
      await page.waitForSelector(".is-image[aria-sort=ascending]");
    });
    console.log(`      sorted: ${blocked(sorting)}`);
    const [, searching] = await longest(page, () => page.locator("input[type=search]").pressSequentially("team-42/", { delay: 60 }));
    console.log(`      searched: ${blocked(searching)}`);
    await page.reload();
    await page.waitForSelector(".is-live");
    const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
    console.log(`      first paint after ${whole(paint)}`);
    await page.click("nav >> text=Policy");
    await page.waitForSelector(".cm-content");
    const [{ keys, effect }, typing] = await typed(page, write);
    console.log(
      `      typed: a key was shown after ${whole(keys[Math.floor(keys.length / 2)])} in the median, ${whole(keys.at(-1))} at worst; ` +
        `what it does ${whole(effect)} after the last key; ${blocked(typing)}`,
    );
  } finally {
    await session.send("Emulation.setCPUThrottlingRate", { rate: 1 });
    await session.detach();
  }
}
