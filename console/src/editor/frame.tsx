/** The editor on the page. It is loaded when it is first wanted, and the text can be edited without it too. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Loading } from "../state.js";
import type { Editor, Language } from "./editor.js";
import type { Mark, Place } from "./mark.js";

/** From this width on there is room for two texts side by side. */
const BESIDE = "(min-width: 1000px)";

interface FrameProps {
  text: string;
  /** Another one is for another text than the editor has; what is typed comes from there. */
  generation: string;
  label: string;
  language: Language;
  /** What is said of the text; `null` where that is not known yet. */
  marks: readonly Mark[] | null;
  /** What it is compared with. */
  original?: string | null;
  /** What is to be brought into sight, each time that this is another value. */
  revealed?: Revealed | null;
  changed: (text: string) => void;
}

export interface Revealed extends Place {
  /** Whether the keyboard goes there, too. */
  isFocused: boolean;
}

export function Frame({ text, generation, label, language, marks, original = null, revealed = null, changed }: FrameProps) {
  const host = useRef<HTMLDivElement>(null);
  const [editor, setEditor] = useState<Editor | null>(null);
  const [isMissing, setMissing] = useState(false);
  const last = useRef({ text, changed });
  last.current = { text, changed };

  useEffect(() => {
    let made: Editor | null = null;
    let isOver = false;
    import("./editor.js").then(
      ({ Editor }) => {
        if (isOver || !host.current) return;
        const { text } = last.current;
        made = new Editor(host.current, { text, label, language, changed: (text) => last.current.changed(text) });
        setEditor(made);
      },
      () => setMissing(true),
    );
    return () => {
      isOver = true;
      made?.destroy();
    };
  }, [label, language]);
  useEffect(() => editor?.replace(last.current.text), [editor, generation]);
  useEffect(() => {
    if (marks) editor?.mark(marks);
  }, [editor, marks]);
  useEffect(() => {
    if (revealed) editor?.reveal(revealed, revealed.isFocused);
  }, [editor, revealed]);
  const isPlain = useRef(true);
  useEffect(() => {
    if (!editor || (original === null && isPlain.current)) return;
    isPlain.current = original === null;
    editor.compare(original === null ? null : { original, isBeside: matchMedia(BESIDE).matches });
  }, [editor, original]);

  if (isMissing) {
    return (
      <textarea
        class="editor code"
        aria-label={label}
        aria-describedby="editor-keys"
        value={text}
        spellcheck={false}
        onInput={(event) => changed(event.currentTarget.value)}
      />
    );
  }
  return (
    <div class="editor">
      {!editor && <Loading label="Loading the editor" />}
      <div ref={host} class="host" />
    </div>
  );
}
