// What the test looks at: real gates, real traffic, the real console, and a browser.

import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const TRAFFIC = join(ROOT, "tests/console/traffic.py");
const PATIENCE = 60_000;
// Without these, the browser looks for hosts of its maker at every start.
const BROWSER_FLAGS = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-gpu",
  "--disable-quic",
  "--disable-sync",
  "--no-first-run",
  "--no-sandbox",
];

/** All that was started, to be ended. */
export class Stage {
  constructor(gate, plugin) {
    this.binaries = { gate, plugin };
    this.work = mkdtempSync(join(tmpdir(), "console-"));
    this.children = new Set();
  }

  /** Starts a gate; one that is started again has the ports that it had. */
  async gate(name, ports = ["0", "0", "0"]) {
    const policy = join(this.work, name);
    if (ports[0] === "0") cpSync(join(ROOT, "tests/console/policy"), policy, { recursive: true });
    const [listen, admin, operator] = ports.map((port) => `127.0.0.1:${port}`);
    const child = this.spawn(this.binaries.gate, [
      ...["serve", "--self-signed", "--policy", policy, "--log-format", "json"],
      ...["--listen", listen, "--admin-listen", admin, "--operator-listen", operator],
    ]);
    const line = await this.line(child.stderr, child.stdout, /ImageGate is ready!/);
    const ready = JSON.parse(line);
    const port = (address) => address.split(":").at(-1);
    const fields = ready.fields ?? ready;
    return { name, policy, child, ports: [fields.listen, fields.admin, fields.operator].map(port) };
  }

  edit(gate, change) {
    const path = join(gate.policy, "policy.yaml");
    writeFileSync(path, change(readFileSync(path, "utf8")));
  }

  async end(gate) {
    this.children.delete(gate.child);
    const ended = new Promise((resolve) => gate.child.once("exit", resolve));
    gate.child.kill("SIGKILL");
    await ended;
  }

  /** Sends traffic, and waits until it is sent. */
  async traffic(gate, ...flags) {
    const child = this.spawn("python3", [TRAFFIC, `https://127.0.0.1:${gate.ports[0]}`, ...flags]);
    child.stderr.pipe(process.stderr);
    const code = await new Promise((resolve) => child.once("exit", resolve));
    this.children.delete(child);
    if (code !== 0) throw new Error(`the traffic ended with ${code}`);
  }

  /** Sends traffic until the end, to one gate as to the other. */
  forever(...gates) {
    this.spawn("python3", [TRAFFIC, ...gates.map((gate) => `https://127.0.0.1:${gate.ports[0]}`)]);
  }

  /** The address that the console prints. */
  async console(...gates) {
    const endpoints = gates.flatMap((gate) => ["--endpoint", `http://127.0.0.1:${gate.ports[2]}`]);
    const child = this.spawn(this.binaries.plugin, ["console", "--no-browser", ...endpoints]);
    return (await this.line(child.stdout, child.stderr, /^http:/)).trim();
  }

  async browser() {
    this.chromium = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: BROWSER_FLAGS,
    });
    return this.chromium;
  }

  spawn(program, flags) {
    const environment = { ...process.env, IMAGEGATE_DRAIN_DELAY_SECONDS: "0" };
    const child = spawn(program, flags, { stdio: ["ignore", "pipe", "pipe"], env: environment });
    this.children.add(child);
    return child;
  }

  /** The first line of either stream that is looked for. */
  line(one, other, wanted) {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no line like ${wanted}: ${seen.join("\n")}`)), PATIENCE);
      const seen = [];
      for (const stream of [one, other]) {
        let rest = "";
        stream.setEncoding("utf8");
        stream.on("data", (text) => {
          const lines = (rest + text).split("\n");
          rest = lines.pop();
          for (const line of lines) {
            if (seen.length < 50) seen.push(line);
            if (wanted.test(line)) {
              clearTimeout(late);
              resolve(line);
            }
          }
        });
      }
    });
  }

  async close() {
    await this.chromium?.close();
    for (const child of this.children) child.kill("SIGKILL");
    rmSync(this.work, { recursive: true, force: true });
  }
}
