/** What our JSON Schema says of a place: which fields may stand there, which values, and what they are for. */

import { ITEM, placeAt, type Step } from "./place.js";

/** As much of a JSON Schema as ours has. */
export interface Schema {
  $ref?: string;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  type?: string | string[];
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  description?: string;
  definitions?: Record<string, Schema>;
}

/** What may be written at a place. */
export interface Choice {
  text: string;
  isField: boolean;
  /** `true` where the value of the field begins in the next line. */
  isBlock: boolean;
  description: string;
  /** The value that it has where it is left out. */
  preset: string;
}

export interface Choices {
  from: number;
  choices: Choice[];
}

/** What may be written at an offset of a text, be it half a word by now. */
export function choicesAt(schema: Schema, text: string, offset: number): Choices | null {
  const place = placeAt(text, offset);
  if (!place) return null;
  const found = resolved(schema, place.path);
  const choices = new Map<string, Choice>();
  const isItem = place.path.at(-1) === ITEM;
  if (place.isBeginning) {
    for (const each of found) {
      for (const [field, of] of Object.entries(each.properties ?? {})) {
        if (place.taken.has(field) || choices.has(field)) continue;
        choices.set(field, asField(schema, field, of, place.isFlow));
      }
    }
  }
  if (!place.isBeginning || isItem) {
    for (const value of found.flatMap(values)) {
      choices.set(value, { text: value, isField: false, isBlock: false, description: "", preset: "" });
    }
  }
  return choices.size > 0 ? { from: place.from, choices: [...choices.values()] } : null;
}

export interface Described {
  from: number;
  to: number;
  field: string;
  description: string;
  preset: string;
}

/** What the field at an offset is for; `null` where there is none. */
export function describedAt(schema: Schema, text: string, offset: number): Described | null {
  const before = /[A-Za-z]*$/.exec(text.slice(0, offset))?.[0] ?? "";
  const behind = /^[A-Za-z]*/.exec(text.slice(offset))?.[0] ?? "";
  const field = before + behind;
  const [from, to] = [offset - before.length, offset + behind.length];
  if (field === "" || !/^["']?\s*:/.test(text.slice(to))) return null;
  const place = placeAt(text, from);
  if (!place?.isBeginning) return null;
  for (const each of resolved(schema, place.path)) {
    const of = each.properties?.[field];
    if (of) return { from, to, field, description: descriptionOf(schema, of), preset: presetOf(schema, of) };
  }
  return null;
}

/** All that a path may lead to. */
export function resolved(schema: Schema, path: readonly Step[]): Schema[] {
  let found = alternatives(schema, schema);
  for (const step of path) {
    const next = found.flatMap((each): Schema[] => {
      if (step === ITEM) return each.items ? [each.items] : [];
      const of = each.properties?.[step];
      if (of) return [of];
      return typeof each.additionalProperties === "object" ? [each.additionalProperties] : [];
    });
    found = next.flatMap((each) => alternatives(schema, each));
  }
  return found;
}

/** The schema itself and what it stands for. */
function alternatives(root: Schema, schema: Schema, depth = 0): Schema[] {
  if (depth > 8) return [];
  const name = schema.$ref?.replace("#/definitions/", "");
  const referred = name === undefined ? undefined : root.definitions?.[name];
  const others = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? []), ...(referred ? [referred] : [])];
  return [schema, ...others.flatMap((each) => alternatives(root, each, depth + 1))];
}

function asField(root: Schema, field: string, schema: Schema, isFlow: boolean): Choice {
  const all = alternatives(root, schema);
  const isScalar = all.some(({ type, enum: of }) => of || ["string", "boolean", "integer", "number"].includes(String(type)));
  const isBlock = !isFlow && !isScalar && all.some(({ type }) => type === "array" || type === "object");
  return { text: field, isField: true, isBlock, description: descriptionOf(root, schema), preset: presetOf(root, schema) };
}

function descriptionOf(root: Schema, schema: Schema): string {
  return alternatives(root, schema).find(({ description }) => description)?.description ?? "";
}

function presetOf(root: Schema, schema: Schema): string {
  const preset = alternatives(root, schema).find((each) => each.default !== undefined)?.default;
  return preset === undefined || preset === "" ? "" : typeof preset === "string" ? preset : JSON.stringify(preset);
}

function values(schema: Schema): string[] {
  if (schema.enum) return schema.enum.map(String);
  if (schema.const !== undefined) return [String(schema.const)];
  return schema.type === "boolean" ? ["true", "false"] : [];
}
