/** What is said of a text, and of which place. */

/** A place of the text, from 1. */
export interface Place {
  line: number | null;
  column: number | null;
}

/** What is said of a place. */
export interface Mark extends Place {
  /** `error` where it is not said. */
  severity?: "error" | "warning" | "info";
  message: string;
  hint: string | null;
}
