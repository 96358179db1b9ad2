/** What is shown, as a file. */

import type { Use } from "./join.js";

const COLUMNS = [
  "image",
  "registry",
  "repository",
  "tag",
  "pinned",
  "namespace",
  "owner",
  "user",
  "count",
  "firstSeen",
  "lastSeen",
  "refused",
  "where",
  "pods",
  "digests",
  "answer",
  "rule",
] as const satisfies readonly (keyof Use)[];

/** As RFC 4180 has it. What a spreadsheet would take for a formula begins with an apostrophe. */
export function toCsv(uses: Use[]): string {
  const lines = uses.map((use) => COLUMNS.map((column) => cell(use[column])).join(","));
  return `${[COLUMNS.join(","), ...lines].join("\r\n")}\r\n`;
}

function cell(value: string | number | boolean | null): string {
  const text = value === null ? "" : String(value);
  const inert = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}

export function toJson(uses: Use[]): string {
  return `${JSON.stringify({ images: uses }, null, 2)}\n`;
}

/** Has the browser save a text under a name. */
export function save(name: string, mediaType: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: mediaType }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
