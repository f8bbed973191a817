import type { Fields, Type } from "../schema.ts";
import { slots, type Source } from "./source.ts";

const scalarBytes = { bool: 1, int8: 1, int16: 2, uint16: 2, int32: 4, int64: 8, saturatingInt64: 8, float64: 8, uuid: 16 } as const;

/** The fewest bytes that a value takes: what a count is compared with before anything is read. */
export function leastBytes(type: Type<unknown>, source: Source): number {
  switch (type.kind) {
    case "string":
      return source.flexible ? 1 : 2;
    case "bytes":
    case "records":
    case "array":
      return source.flexible ? 1 : 4;
    case "struct": {
      if (source.version >= type.nullableFrom) return 1;
      let sum = source.flexible ? 1 : 0;
      for (const slot of slots(type.fields as Fields, source)) if (slot.plain) sum += leastBytes(slot.type, source);
      return sum;
    }
    default:
      return scalarBytes[type.kind];
  }
}
