/** The colours of the style sheet, for what is drawn and not laid out. */

import { useEffect, useState } from "preact/hooks";

export interface Theme {
  allow: string;
  deny: string;
  line: string;
  quiet: string;
}

function read(): Theme {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  return {
    allow: colour("--allow"),
    deny: colour("--deny"),
    line: colour("--line"),
    quiet: colour("--quiet"),
  };
}

/** Follows a change between dark and light. */
export function useTheme(): Theme {
  const [theme, setTheme] = useState(read);
  useEffect(() => {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const follow = () => setTheme(read());
    dark.addEventListener("change", follow);
    return () => dark.removeEventListener("change", follow);
  }, []);
  return theme;
}
