/**
 * A link that holds what is judged, behind the `#`, which browsers send to nobody. It comes from strangers, too: what is
 * read is five texts of a bounded size, and they only ever fill the fields.
 */

import type { Fault } from "../api.js";

export interface Content {
  policy: string;
  manifest: string;
  namespace: string;
  user: string;
  groups: string[];
}

/** What such a link begins with; another form gets another one. */
const VERSION = "v1.";
/** Characters behind the `#`. Browsers take more, but little that a link is pasted into does. */
export const MOST_CHARACTERS = 65_536;
/** Bytes that may come out of that: what the engine takes, and what JSON makes of it. */
const MOST_BYTES = 6 << 20;

/** The fragment of a link, without its `#`; a fault where it would be too long. */
export async function fragmentOf({ policy, manifest, namespace, user, groups }: Content): Promise<string | Fault> {
  const text = JSON.stringify({ policy, manifest, namespace, user, groups });
  const packed = await through(new TextEncoder().encode(text), new CompressionStream("deflate-raw"), MOST_BYTES);
  const fragment = packed && VERSION + asBase64(packed);
  if (fragment && fragment.length <= MOST_CHARACTERS) return fragment;
  return {
    message: `this is too much for a link, which has ${MOST_CHARACTERS} characters at most`,
    hint: "leave out what is not needed to show it",
  };
}

/** What the fragment of a link holds: `null` where there is none, a fault where it cannot be read. */
export async function contentOf(fragment: string): Promise<Content | Fault | null> {
  if (fragment === "") return null;
  if (fragment.length > MOST_CHARACTERS) {
    return broken(`it has more than ${MOST_CHARACTERS} characters`);
  }
  if (!fragment.startsWith(VERSION)) return broken("it is of no form that this page knows");
  const packed = ofBase64(fragment.slice(VERSION.length));
  if (!packed) return broken("it has characters that do not belong there");
  try {
    const bytes = await through(packed, new DecompressionStream("deflate-raw"), MOST_BYTES);
    if (!bytes) return broken(`there are more than ${MOST_BYTES >> 20} MiB in it`);
    return checked(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes))) ?? broken("something is missing in it");
  } catch {
    return broken("a part of it may be missing");
  }
}

function broken(why: string): Fault {
  return { message: `this link cannot be read: ${why}`, hint: "ask whoever sent it for a new one" };
}

function checked(read: unknown): Content | null {
  const { policy, manifest, namespace, user, groups } = Object(read) as Partial<Record<keyof Content, unknown>>;
  const isText = (value: unknown): value is string => typeof value === "string";
  if (!isText(policy) || !isText(manifest) || !isText(namespace) || !isText(user)) return null;
  return Array.isArray(groups) && groups.every(isText) ? { policy, manifest, namespace, user, groups } : null;
}

/** What comes out of a stream; `null` once that is more than may be. */
async function through(bytes: Uint8Array<ArrayBuffer>, stream: CompressionStream, most: number): Promise<Uint8Array | null> {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    length += read.value.length;
    if (length > most) {
      await reader.cancel();
      return null;
    }
    parts.push(read.value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function asBase64(bytes: Uint8Array): string {
  const characters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(characters).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function ofBase64(text: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[\w-]*$/.test(text) || text.length % 4 === 1) return null;
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
}
