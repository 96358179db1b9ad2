// The licences of the packages of package-lock.json, and where they are from: what is shipped in the page may be used
// by anybody for anything, and no address of a download is written down.
//
// Usage: node licences.mjs

import { readFileSync } from "node:fs";

const SHIPPED = new Set(["MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "Apache-2.0"]);
// Tools that nothing of is in the page.
const TOOLS = new Set([...SHIPPED, "MPL-2.0", "BlueOak-1.0.0", "PSF-2.0", "Python-2.0"]);
// Two of them make the page; the others are the editor of the policy, which comes in small parts.
const MOST_SHIPPED = 19;

const { packages } = JSON.parse(readFileSync(new URL("package-lock.json", import.meta.url), "utf8"));
const wrong = [];
let shipped = 0;
for (const [path, { dev, integrity, license, resolved }] of Object.entries(packages)) {
  if (path === "") continue;
  const name = path.replace(/^.*node_modules\//, "");
  if (!dev) shipped += 1;
  if (!(dev ? TOOLS : SHIPPED).has(license)) wrong.push(`${name}: the licence ${license} is not on the list`);
  if (!integrity) wrong.push(`${name}: there is no checksum`);
  if (resolved) wrong.push(`${name}: an address is written down: ${resolved}`);
}
if (shipped > MOST_SHIPPED) wrong.push(`${shipped} packages are shipped, and ${MOST_SHIPPED} are meant to be enough`);
for (const line of wrong) console.error(line);
console.log(`${Object.keys(packages).length - 1} packages, ${shipped} of them shipped`);
process.exit(wrong.length > 0 ? 1 : 0);
