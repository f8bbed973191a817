import type { Field, Fields, Type } from "../schema.ts";

const NO_ID = "0".repeat(32);
const NOTHING: readonly unknown[] = Object.freeze([]);
const NO_BYTES = new Uint8Array(0);

export function fieldOf(entry: Type<unknown> | Field<unknown>): Field<unknown> {
  return "type" in entry ? entry : { type: entry, since: 0, until: Infinity, tag: undefined, fallback: undefined };
}

/** What a field is read as in versions without it: its own default, else null where the type allows it, else zero, nothing, false. */
export function defaultOf({ type, fallback }: Field<unknown>): unknown {
  if (fallback !== undefined) return fallback;
  if (type.nullableFrom !== Infinity) return null;
  switch (type.kind) {
    case "bool":
      return false;
    case "string":
      return "";
    case "uuid":
      return NO_ID;
    case "bytes":
    case "records":
      return NO_BYTES;
    case "array":
      return NOTHING;
    case "struct":
      return structDefault(type.fields as Fields);
    case "int8":
    case "int16":
    case "uint16":
    case "int32":
    case "int64":
    case "saturatingInt64":
    case "float64":
      return 0;
  }
}

// A struct whose default has been asked for has one, always the same: the shape of messages without it is then one as well.
const structDefaults = new WeakMap<Fields, object>();

function structDefault(fields: Fields): object {
  const known = structDefaults.get(fields);
  if (known !== undefined) return known;
  const made = Object.freeze(Object.fromEntries(Object.entries(fields).map(([name, entry]) => [name, defaultOf(fieldOf(entry))])));
  structDefaults.set(fields, made);
  return made;
}
