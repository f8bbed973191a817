import fc from "fast-check";
import { defaultOf, fieldOf } from "./compile/defaults.ts";
import type { Fields, Type, UnknownTag } from "./schema.ts";

const int = (bits: number): fc.Arbitrary<number> => fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 });
const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });

/** Values of a message as decoding one of this version yields them: fields that the version lacks have their defaults. */
export function arbitraryOf(type: Type<unknown>, version: number, flexible: boolean): fc.Arbitrary<unknown> {
  const value = valueOf(type, version, flexible);
  return version >= type.nullableFrom ? fc.option(value, { nil: null, freq: 4 }) : value;
}

function valueOf(type: Type<unknown>, version: number, flexible: boolean): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case "bool":
      return fc.boolean();
    case "int8":
      return int(8);
    case "int16":
      return int(16);
    case "uint16":
      return fc.nat(0xffff);
    case "int32":
      return int(32);
    case "int64":
    case "saturatingInt64":
      return fc.maxSafeInteger();
    case "float64":
      return fc.double({ noNaN: true });
    case "uuid":
      return bytes(16).map((some) => Buffer.concat([some, Buffer.alloc(16)], 16).toString("hex"));
    case "string":
      return fc.string({ unit: "binary", maxLength: 40 });
    case "bytes":
    case "records":
      return fc.oneof(bytes(20), fc.constant(new Uint8Array(1500).fill(7)));
    case "array":
      return fc.array(arbitraryOf(type.element as Type<unknown>, version, flexible), { maxLength: 3 });
    case "struct":
      return structOf(type.fields as Fields, version, flexible);
  }
}

function structOf(fields: Fields, version: number, flexible: boolean): fc.Arbitrary<unknown> {
  const members: Record<string, fc.Arbitrary<unknown>> = {};
  const known = new Set<number>();
  for (const [name, entry] of Object.entries(fields)) {
    const field = fieldOf(entry);
    const present = field.since <= version && version <= field.until && (field.tag === undefined || flexible);
    const some = arbitraryOf(field.type, version, flexible);
    members[name] = !present
      ? fc.constant(defaultOf(field))
      : field.tag === undefined
        ? some
        : fc.oneof(some, fc.constant(defaultOf(field)));
    if (present && field.tag !== undefined) known.add(field.tag);
  }
  const struct = fc.record(members);
  return flexible
    ? fc.tuple(struct, unknownTags(known)).map(([value, tags]) => (tags.length > 0 ? { ...value, unknownTags: tags } : value))
    : struct;
}

function unknownTags(known: ReadonlySet<number>): fc.Arbitrary<UnknownTag[]> {
  const tag = fc.oneof(fc.nat(5), fc.nat(2 ** 30)).filter((number) => !known.has(number));
  const some = fc
    .uniqueArray(fc.record({ tag, bytes: bytes(4) }), { maxLength: 2, selector: (field) => field.tag })
    .map((tags) => tags.sort((a, b) => a.tag - b.tag));
  return fc.oneof({ weight: 4, arbitrary: fc.constant<UnknownTag[]>([]) }, { weight: 1, arbitrary: some });
}
