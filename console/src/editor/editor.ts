/**
 * The editor of a policy, or of a manifest. A file of its own, which is loaded once somebody wants to edit: it is larger
 * than the rest of the page.
 *
 * It lives in a shadow root, since there its style sheets are made by script and need no `<style>`, which the page's
 * own policy refuses.
 */

import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
  type CompletionContext,
  type CompletionResult,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { MergeView, unifiedMergeView } from "@codemirror/merge";
import { EditorState, type Extension } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  hoverTooltip,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { shown } from "../words.js";
import schema from "../../../config/policy.schema.json";
import type { Mark, Place } from "./mark.js";
import { choicesAt, describedAt, type Schema } from "./schema.js";
import { spanOf } from "./span.js";

/** What is written: our schema says what may stand in a policy, and nothing of a manifest. */
export type Language = "policy" | "manifest";

export interface Wishes {
  text: string;
  language: Language;
  /** What it is, for people who do not see it. */
  label: string;
  changed: (text: string) => void;
}

/** What is compared: beside it, or, where there is little room, in between. */
export interface Comparison {
  original: string;
  isBeside: boolean;
}

const SCHEMA = schema as Schema;

const highlighting = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--code-field)" },
  { tag: [tags.definition(tags.propertyName)], color: "var(--code-field)", fontWeight: "600" },
  { tag: [tags.string, tags.content], color: "var(--text)" },
  { tag: [tags.keyword, tags.bool, tags.number, tags.null], color: "var(--code-value)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--quiet)", fontStyle: "italic" },
  { tag: [tags.punctuation, tags.separator, tags.bracket, tags.squareBracket, tags.brace], color: "var(--quiet)" },
]);

const looks = EditorView.theme({
  "&": { backgroundColor: "var(--card)", color: "var(--text)", fontSize: "0.9rem", flex: "1 0 auto" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--code)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--text)", padding: "10px 0" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--selected) !important",
  },
  ".cm-gutters": { backgroundColor: "var(--card)", color: "var(--quiet)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--active-line)" },
  ".cm-matchingBracket": { backgroundColor: "var(--selected) !important" },
  ".cm-tooltip": {
    backgroundColor: "var(--card)",
    color: "var(--text)",
    border: "1px solid var(--line)",
    borderRadius: "8px",
    boxShadow: "0 4px 16px #0003",
    maxWidth: "min(52ch, 88vw)",
    overflow: "hidden",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--code)", maxHeight: "16em" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "3px 10px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": {
    backgroundColor: "var(--link)",
    color: "var(--card)",
  },
  ".cm-completionDetail": { fontStyle: "normal", opacity: "0.75" },
  ".cm-completionInfo, .cm-field": { padding: "8px 12px", fontFamily: "system-ui, sans-serif", fontSize: "0.87rem" },
  ".cm-field b": { fontFamily: "var(--code)" },
  ".cm-field p": { margin: "4px 0 0" },
  ".cm-diagnostic": { whiteSpace: "pre-wrap", padding: "6px 12px", fontFamily: "system-ui, sans-serif" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--wrong)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--note)" },
  ".cm-diagnostic-info": { borderLeftColor: "var(--quiet)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--wrong)" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--note)" },
  ".cm-lintRange-info": { backgroundImage: "none", textDecoration: "underline dotted var(--quiet)" },
  // Marks that are drawn and not loaded, which the page's own policy refuses.
  ".cm-lint-marker-error, .cm-lint-marker-warning, .cm-lint-marker-info": { content: "none", borderRadius: "50%" },
  ".cm-lint-marker-error": { backgroundColor: "var(--wrong)" },
  ".cm-lint-marker-warning": { backgroundColor: "var(--note)" },
  ".cm-lint-marker-info": { backgroundColor: "var(--quiet)" },
  ".cm-lint-marker": { width: "0.7em", height: "0.7em", marginTop: "0.4em" },
  "&.cm-merge-a .cm-changedLine": { backgroundColor: "var(--deleted) !important" },
  "&.cm-merge-b .cm-changedLine, .cm-insertedLine": { backgroundColor: "var(--inserted) !important" },
  ".cm-deletedChunk, .cm-deletedLine": { backgroundColor: "var(--deleted) !important" },
  ".cm-changedText": { background: "var(--changed) !important" },
});

export class Editor {
  readonly #root: ShadowRoot;
  readonly #wishes: Wishes;
  #view: EditorView;
  #merge: MergeView | null = null;
  #marks: readonly Mark[] = [];
  #isTold = true;

  constructor(host: HTMLElement, wishes: Wishes) {
    this.#root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
    this.#wishes = wishes;
    this.#view = this.#alone(wishes.text, []);
  }

  get text(): string {
    return this.#view.state.doc.toString();
  }

  /** Puts another text in its place, which can be undone. The page is not told: it knows. */
  replace(text: string): void {
    if (text === this.text) return;
    this.#isTold = false;
    this.#view.dispatch({ changes: { from: 0, to: this.#view.state.doc.length, insert: text } });
    this.#isTold = true;
  }

  /** Underlines what is said of places. */
  mark(marks: readonly Mark[]): void {
    this.#marks = marks;
    const { state } = this.#view;
    const diagnostics = marks.map(({ line, column, severity = "error", message, hint }): Diagnostic => {
      const span = spanOf(state.doc, line, column);
      return { ...span, severity, message: `${shown(message)}${hint ? `\nhint: ${shown(hint)}` : ""}` };
    });
    this.#view.dispatch(setDiagnostics(state, diagnostics));
  }

  /** Selects what stands at a place and brings it into sight. Where the keyboard stays elsewhere, so does the page. */
  reveal({ line, column }: Place, isFocused: boolean): void {
    const { from: anchor, to: head } = spanOf(this.#view.state.doc, line, column);
    const selection = { anchor, head };
    if (isFocused) {
      this.#view.dispatch({ selection, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
      this.#view.focus();
    } else {
      this.#view.dispatch({ selection });
      const { host } = this.#root;
      host.scrollTop = this.#view.lineBlockAt(anchor).top - host.clientHeight / 2;
    }
  }

  /** Shows what differs from another text; `null` shows this one alone. */
  compare(comparison: Comparison | null): void {
    const { text } = this;
    const selection = this.#view.state.selection;
    this.#clear();
    if (comparison?.isBeside) {
      this.#merge = new MergeView({
        a: { doc: comparison.original, extensions: [...common("The policy in force"), EditorState.readOnly.of(true)] },
        b: { doc: text, selection, extensions: this.#extensions() },
        root: this.#root,
        parent: this.#root as unknown as Element,
        collapseUnchanged: { margin: 4, minSize: 12 },
      });
      this.#view = this.#merge.b;
    } else {
      const between = comparison
        ? [unifiedMergeView({ original: comparison.original, mergeControls: false })]
        : [];
      this.#view = this.#alone(text, between);
      this.#view.dispatch({ selection });
    }
    this.mark(this.#marks);
  }

  destroy(): void {
    this.#clear();
  }

  #alone(text: string, more: Extension[]): EditorView {
    const state = EditorState.create({ doc: text, extensions: [...this.#extensions(), ...more] });
    return new EditorView({ state, root: this.#root, parent: this.#root });
  }

  #clear(): void {
    if (this.#merge) this.#merge.destroy();
    else this.#view.destroy();
    this.#merge = null;
  }

  #extensions(): Extension[] {
    return [
      ...common(this.#wishes.label),
      history(),
      closeBrackets(),
      bracketMatching(),
      highlightActiveLine(),
      highlightActiveLineGutter(),
      lintGutter(),
      ...(this.#wishes.language === "policy"
        ? [autocompletion({ override: [complete], icons: false }), hoverTooltip(describe)]
        : []),
      keymap.of([
        ...closeBracketsKeymap,
        ...completionKeymap,
        ...lintKeymap,
        ...defaultKeymap,
        ...historyKeymap,
        // Escape first, and Tab leaves the editor.
        indentWithTab,
      ]),
      EditorView.contentAttributes.of({ "aria-describedby": "editor-keys" }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged && this.#isTold) this.#wishes.changed(update.state.doc.toString());
      }),
    ];
  }
}

function common(label: string): Extension[] {
  return [
    lineNumbers(),
    drawSelection(),
    EditorView.lineWrapping,
    indentUnit.of("  "),
    EditorState.tabSize.of(2),
    yaml(),
    syntaxHighlighting(highlighting),
    looks,
    EditorView.contentAttributes.of({ "aria-label": label }),
  ];
}

function complete({ state, pos, explicit }: CompletionContext): CompletionResult | null {
  const found = choicesAt(SCHEMA, state.doc.toString(), pos);
  if (!found || (!explicit && found.from === pos)) return null;
  const options = found.choices.map(({ text, isField, isBlock, description, preset }) => ({
    label: text,
    apply: isField ? `${text}:${isBlock ? "" : " "}` : text,
    ...(description && { info: description }),
    ...(preset && { detail: ` ${preset}` }),
  }));
  return { from: found.from, options, validFor: /^[\w-]*$/ };
}

function describe(view: EditorView, pos: number) {
  const described = describedAt(SCHEMA, view.state.doc.toString(), pos);
  if (!described) return null;
  const { from, to, field, description, preset } = described;
  const create = () => {
    const dom = document.createElement("div");
    dom.className = "cm-field";
    const name = document.createElement("b");
    name.textContent = field;
    dom.append(name, preset ? `, by default ${preset}` : "");
    const what = document.createElement("p");
    what.textContent = description;
    dom.append(what);
    return { dom };
  };
  return { pos: from, end: to, above: true, create };
}
