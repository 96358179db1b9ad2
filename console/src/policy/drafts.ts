/** Texts that are being edited. They are kept while another page is looked at, the playground too, in this tab alone. */

export type Document = "policy" | "candidate";

/** A text that is being edited, and what it was made from. */
export interface Draft {
  text: string;
  original: string;
}

/** As much of a browser's storage as is used. */
type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;

const DOCUMENTS: readonly Document[] = ["policy", "candidate"];

export class Drafts {
  readonly #store: Store | null;
  readonly #drafts = new Map<Document, Draft>();

  /** `null` keeps them as long as the page is there. */
  constructor(store: Store | null) {
    this.#store = store;
    for (const document of DOCUMENTS) {
      const draft = read(store?.getItem(key(document)) ?? null);
      if (draft) this.#drafts.set(document, draft);
    }
  }

  get(document: Document): Draft | undefined {
    return this.#drafts.get(document);
  }

  set(document: Document, draft: Draft): void {
    this.#drafts.set(document, draft);
    try {
      this.#store?.setItem(key(document), JSON.stringify(draft));
    } catch {
      // What does not fit is kept as long as the page is there, and nothing older comes back.
      this.#store?.removeItem(key(document));
    }
  }

  delete(document: Document): void {
    this.#drafts.delete(document);
    this.#store?.removeItem(key(document));
  }

  clear(): void {
    for (const document of DOCUMENTS) this.delete(document);
  }
}

function key(document: Document): string {
  return `draft of the ${document}`;
}

function read(kept: string | null): Draft | null {
  try {
    const { text, original } = Object(JSON.parse(kept ?? "null")) as Partial<Draft>;
    return typeof text === "string" && typeof original === "string" ? { text, original } : null;
  } catch {
    return null;
  }
}
