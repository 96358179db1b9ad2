/** Starts the worker. */

import address from "./worker.ts?worker&url";

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL: (of: string) => string }): { createScriptURL: (of: string) => string };
}

/**
 * The page requires Trusted Types, by which no text becomes the address of a script but by a policy that its content
 * security policy names. This is the only one, and it makes one address: that of the worker, whatever it is given.
 */
const trusted = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy("playground", {
  createScriptURL: () => address,
});

export function begin(): Worker {
  return new Worker(trusted ? trusted.createScriptURL("") : address);
}
