/** What of a text is underlined where something is said of it. */

/** A text by its lines, from 1, as the editor has it. */
export interface Lines {
  readonly length: number;
  readonly lines: number;
  line(number: number): { readonly from: number; readonly text: string };
}

export interface Span {
  from: number;
  to: number;
}

/** The word at a place, from 1, or what there is of the line; the first line where there is no place. Never empty in a
 * text that is not. */
export function spanOf(text: Lines, line: number | null, column: number | null): Span {
  const { from: start, text: content } = text.line(Math.min(Math.max(line ?? 1, 1), text.lines));
  // Columns count characters, some of which take two places here.
  const before = [...content].slice(0, Math.max((column ?? 1) - 1, 0)).join("").length;
  const word = /^[^\s,[\]{}]+?(?=:\s|:?$|[\s,[\]{}])/.exec(content.slice(before))?.[0] ?? "";
  const from = start + Math.min(before, content.length);
  const to = column === null ? start + content.length : from + Math.max(word.length, 1);
  const end = Math.min(to, text.length);
  return end > from ? { from, to: end } : { from: Math.max(from - 1, 0), to: from };
}
