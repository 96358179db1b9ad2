/** Starts the worker. */

import address from "./worker.ts?worker&url";

interface Trusted {
  createScriptURL(of: string): string;
}

interface TrustedTypes {
  createPolicy(name: string, rules: Trusted): Trusted;
}

let trusted: Trusted | null = null;

/**
 * The page requires Trusted Types, by which no text becomes the address of a script but by a policy that its content
 * security policy names. This is the only one, and it makes one address: that of the worker, whatever it is given.
 */
export function begin(): Worker {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  trusted ??= trustedTypes?.createPolicy("playground", { createScriptURL: () => address }) ?? null;
  return new Worker(trusted ? trusted.createScriptURL("") : address);
}
