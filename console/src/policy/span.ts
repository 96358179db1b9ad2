/** What of a text is underlined where something is wrong. */

/** The word at a place, from 1, or what there is of the line; the first line where there is no place. Never empty in a
 * text that is not. */
export function spanOf(text: string, line: number | null, column: number | null): { from: number; to: number } {
  const lines = text.split("\n");
  const row = Math.min(Math.max(line ?? 1, 1), lines.length);
  const start = lines.slice(0, row - 1).reduce((sum, each) => sum + each.length + 1, 0);
  const content = lines[row - 1] ?? "";
  // Columns count characters, some of which take two places here.
  const before = [...content].slice(0, Math.max((column ?? 1) - 1, 0)).join("").length;
  const word = /^[^\s,[\]{}]+?(?=:\s|:?$|[\s,[\]{}])/.exec(content.slice(before))?.[0] ?? "";
  const from = start + Math.min(before, content.length);
  const to = column === null ? start + content.length : from + Math.max(word.length, 1);
  const end = Math.min(to, Math.max(text.length, 0));
  return end > from ? { from, to: end } : { from: Math.max(from - 1, 0), to: from };
}
