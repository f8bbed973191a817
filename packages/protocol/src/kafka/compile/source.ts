import type { Field, Fields, Type } from "../schema.ts";
import { fieldOf } from "./defaults.ts";

/** Functions under construction for one version of a message. Values that source text cannot hold are handed to it as constants. */
export class Source {
  readonly version: number;
  readonly flexible: boolean;
  readonly constants: unknown[] = [];
  readonly #functions: string[] = [];
  #names = 0;

  constructor(version: number, flexible: boolean) {
    this.version = version;
    this.flexible = flexible;
  }

  /** A name that no other has. */
  name(prefix: string): string {
    return `${prefix}${this.#names++}`;
  }

  constant(value: unknown): string {
    if (value === null || typeof value === "number" || typeof value === "boolean" || value === "") return JSON.stringify(value);
    let index = this.constants.indexOf(value);
    if (index < 0) index = this.constants.push(value) - 1;
    return `constants[${index}]`;
  }

  add(text: string): void {
    this.#functions.push(text);
  }

  /** The function `entry` of the source, alive.
   * Its text is made of this package's schemas only; nothing that came over a connection is in it. */
  build(entry: string): unknown {
    // oxlint-disable-next-line typescript/no-implied-eval -- straight-line code for one version is several times faster than closures over its fields
    return new Function("constants", `"use strict";\n${this.#functions.join("\n")}\nreturn ${entry};`)(this.constants);
  }
}

export interface Slot extends Field<unknown> {
  readonly name: string;
  /** Whether the version has it among the plain fields. */
  readonly plain: boolean;
  /** Whether the version has it among the tagged fields. */
  readonly inTags: boolean;
}

export function slots(fields: Fields, source: Source): Slot[] {
  return Object.entries(fields).map(([name, entry]) => {
    const field = fieldOf(entry);
    const present = field.since <= source.version && source.version <= field.until;
    return { ...field, name, plain: present && field.tag === undefined, inTags: present && field.tag !== undefined && source.flexible };
  });
}

export const byTag = (a: Slot, b: Slot): number => (a.tag as number) - (b.tag as number);

const methods = { string: "String", bytes: "Bytes", records: "Bytes", array: "Count" } as const;

/** The reader's and writer's method for a value whose length or count comes first. */
export function sized(type: Type<unknown> & { readonly kind: keyof typeof methods }, source: Source): string {
  const words = [source.flexible ? "compact" : "", source.version >= type.nullableFrom ? "Nullable" : "", methods[type.kind]].join("");
  return words.charAt(0).toLowerCase() + words.slice(1);
}
