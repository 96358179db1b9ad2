/**
 * Where a position in a policy's text is: under which fields, and whether a field or a value is to be written there.
 * Reads lines and not a syntax tree, since a text that somebody is typing is seldom a whole one.
 */

/** A field of a mapping, or an item of a list. */
export type Step = string | typeof ITEM;
export const ITEM = Symbol("item");

export interface Place {
  /** The fields and lists around it, the outermost first. */
  path: Step[];
  /** Whether it is where a field, or an item of a list, begins; or else where a field's value is. */
  isBeginning: boolean;
  /** Where the word begins that stands there, as an offset. */
  from: number;
  /** Whether it is within braces or brackets. */
  isFlow: boolean;
  /** The fields that the mapping has before it. */
  taken: ReadonlySet<string>;
}

interface Level {
  indent: number;
  step: Step;
  taken: Set<string>;
}

interface Flow {
  isMapping: boolean;
  /** The field whose value is being written. */
  field: string | null;
  taken: Set<string>;
}

const FIELD = /^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#'"[\]{},:][^\s:#,[\]{}]*)\s*:(?=\s|$)/;

export function placeAt(text: string, offset: number): Place | null {
  const reader = new Reader();
  const lines = text.slice(0, offset).split("\n");
  const current = lines.pop() ?? "";
  for (const line of lines) reader.read(line);
  return reader.place(current, offset);
}

class Reader {
  #levels: Level[] = [];
  #flows: Flow[] = [];
  #root = new Set<string>();
  /** The lines of a text that begins with `|` or `>` are deeper than this. */
  #textBelow: number | null = null;

  read(line: string): void {
    if (this.#flows.length > 0) {
      this.#readFlow(line);
      return;
    }
    const content = this.#begin(line);
    if (content === null) return;
    this.#readValue(this.#readField(content.text, content.column) ?? content.text);
  }

  place(line: string, offset: number): Place | null {
    if (this.#flows.length === 0) {
      const content = this.#begin(line, true);
      if (content === null) return null;
      const isFlow = /^[[{]/.test(content.text);
      const rest = isFlow ? content.text : this.#readField(content.text, content.column);
      if (rest === null) {
        if (content.text.includes(" ") || /["'#]/.test(content.text)) return null;
        this.#leave(content.column);
        return this.#found(true, offset - content.text.length);
      }
      // Behind the colon there has to be a space first.
      if (rest === "") return null;
      this.#readValue(rest);
      if (isFlow && this.#flows.length === 0) return null;
      if (this.#flows.length === 0) {
        const word = rest.trimStart();
        return /["'#|>]/.test(word) ? null : this.#found(false, offset - word.length);
      }
    } else {
      this.#readFlow(line);
    }
    const flow = this.#flows.at(-1);
    const word = /[^\s,[\]{}:]*$/.exec(line)?.[0] ?? "";
    if (!flow || /["'#]/.test(word)) return null;
    return this.#found(flow.field === null, offset - word.length);
  }

  /** What is left of a line behind its indentation and the dashes of lists. */
  #begin(line: string, isCurrent = false): { text: string; column: number } | null {
    let column = line.length - line.trimStart().length;
    let text = line.slice(column);
    if (this.#textBelow !== null) {
      if (text === "" ? !isCurrent : column > this.#textBelow) return null;
      if (column <= this.#textBelow) this.#textBelow = null;
    }
    if ((text === "" && !isCurrent) || text.startsWith("#")) return null;
    for (let dash = /^-(\s+|$)/.exec(text); dash; dash = /^-(\s+|$)/.exec(text)) {
      // A list may stand as far left as the field that it belongs to.
      this.#leave(column, true);
      this.#levels.push({ indent: column, step: ITEM, taken: new Set() });
      column += dash[0].length;
      text = text.slice(dash[0].length);
    }
    return { text, column };
  }

  #readField(text: string, column: number): string | null {
    const match = FIELD.exec(text);
    if (!match) return null;
    const field = unquoted(match[1] ?? "");
    this.#leave(column);
    (this.#levels.at(-1)?.taken ?? this.#root).add(field);
    this.#levels.push({ indent: column, step: field, taken: new Set() });
    return text.slice(match[0].length);
  }

  #readValue(rest: string): void {
    const value = rest.trimStart();
    if (/^[|>]/.test(value)) this.#textBelow = this.#levels.at(-1)?.indent ?? 0;
    if (/^[[{]/.test(value)) this.#readFlow(value);
  }

  #readFlow(text: string): void {
    let word = "";
    for (let at = 0; at < text.length; at += 1) {
      const character = text.charAt(at);
      const flow = this.#flows.at(-1);
      if (character === "#" && (at === 0 || /\s/.test(text.charAt(at - 1)))) return;
      if (character === '"' || character === "'") {
        const quoted = /^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')/.exec(text.slice(at))?.[0];
        if (quoted === undefined) return;
        word = unquoted(quoted);
        at += quoted.length - 1;
      } else if (character === "{" || character === "[") {
        this.#flows.push({ isMapping: character === "{", field: null, taken: new Set() });
        word = "";
      } else if (character === "}" || character === "]") {
        this.#flows.pop();
        word = "";
        if (this.#flows.length === 0) return;
      } else if (character === ",") {
        if (flow) flow.field = null;
        word = "";
      } else if (character === ":" && flow?.isMapping && flow.field === null && /^(\s|$)/.test(text.slice(at + 1))) {
        flow.field = word.trim();
        flow.taken.add(flow.field);
        word = "";
      } else {
        word += character;
      }
    }
  }

  /** Ends what cannot go on at this column. */
  #leave(column: number, isDash = false): void {
    for (let last = this.#levels.at(-1); last; last = this.#levels.at(-1)) {
      const goesOn = last.indent < column || (isDash && last.indent === column && last.step !== ITEM);
      if (goesOn) return;
      this.#levels.pop();
    }
  }

  #found(isBeginning: boolean, from: number): Place {
    const path: Step[] = this.#levels.map(({ step }) => step);
    for (const { isMapping, field } of this.#flows) {
      if (!isMapping) path.push(ITEM);
      else if (field !== null) path.push(field);
    }
    const flow = this.#flows.at(-1);
    const taken = flow ? flow.taken : (this.#levels.at(-1)?.taken ?? this.#root);
    return { path, isBeginning, from, isFlow: flow !== undefined, taken };
  }
}

function unquoted(text: string): string {
  return /^["'].*["']$/.test(text) ? text.slice(1, -1) : text;
}
