import protobuf from "protobufjs";

export interface FieldSource {
  /** Of the property, and of one value of it. */
  readonly type: string;
  readonly itemType: string;
  readonly default: string;
  readonly reads: readonly { readonly tag: number; readonly line: string }[];
  readonly write: string;
  /** Writes one value, whatever it is. */
  writeItem(value: string): string;
}

interface Scalar {
  readonly type: "number" | "boolean" | "string" | "Uint8Array";
  readonly wireType: 0 | 2;
  readonly default: string;
  isSet(value: string): string;
  /** Whether writing can fail, so that it wants the field's name. */
  readonly checked: boolean;
}

const whole: Scalar = { type: "number", wireType: 0, default: "0", isSet: (value) => `${value} !== 0`, checked: true };

/** The scalar types that proto/ uses; another one needs a reader, a writer and a row. */
const scalars: Readonly<Record<string, Scalar>> = {
  uint32: whole,
  sint32: whole,
  int32: whole,
  uint64: whole,
  sint64: whole,
  bool: { type: "boolean", wireType: 0, default: "false", isSet: (value) => value, checked: false },
  string: { type: "string", wireType: 2, default: '""', isSet: (value) => `${value} !== ""`, checked: false },
  bytes: { type: "Uint8Array", wireType: 2, default: "NO_BYTES", isSet: (value) => `${value}.length !== 0`, checked: false },
};

export function fieldSource(field: protobuf.Field, message: string, typeName: (type: protobuf.ReflectionObject) => string): FieldSource {
  if (field.map) throw new Error(`${message}.${field.name}: maps have no order, use a list of messages`);
  const name = `"${message}.${field.name}"`;
  const property = `m.${field.name}`;
  const isEnum = field.resolvedType instanceof protobuf.Enum;
  const tag = (wireType: number): number => ((field.id << 3) | wireType) >>> 0;

  if (field.resolvedType !== null && !isEnum) {
    const type = typeName(field.resolvedType);
    const read = `r.message(${type}, ${name})`;
    const writeItem = (value: string): string => `w.message(${value}, ${type}, ${name}).tag(${tag(2)});`;
    return field.repeated
      ? {
          type: `${type}[]`,
          itemType: type,
          default: "[]",
          reads: [{ tag: tag(2), line: `r.push(${property}, ${read}, ${name});` }],
          write: `w.messages(${property}, ${type}, ${tag(2)}, ${name});`,
          writeItem,
        }
      : {
          type: `${type} | undefined`,
          itemType: type,
          default: "undefined",
          reads: [{ tag: tag(2), line: assign(field, read) }],
          write: `if (${property} !== undefined) ${writeItem(property)}`,
          writeItem,
        };
  }

  const method = isEnum ? "int32" : field.type;
  const scalar = scalars[method];
  if (scalar === undefined)
    throw new Error(`${message}.${field.name}: no reader and writer for ${field.type}; known are ${Object.keys(scalars).join(", ")}`);
  const itemType = isEnum && field.resolvedType !== null ? typeName(field.resolvedType) : scalar.type;
  const read = `r.${method}(${name})`;
  const writeItem = (value: string): string => `w.${method}(${value}${scalar.checked ? `, ${name}` : ""}).tag(${tag(scalar.wireType)});`;

  if (field.repeated) {
    const push = { tag: tag(scalar.wireType), line: `r.push(${property}, ${read}, ${name});` };
    if (scalar.wireType === 2) {
      const write = `w.${method === "string" ? "strings" : "byteStrings"}(${property}, ${tag(2)});`;
      return { type: `${itemType}[]`, itemType, default: "[]", reads: [push], write, writeItem };
    }
    if (scalar.type !== "number") throw new Error(`${message}.${field.name}: lists of ${field.type} have no packed form yet`);
    const packed = { tag: tag(2), line: `r.packed(${property}, ${name}, (packed, item) => packed.${method}(item));` };
    const write = `w.packed(${property}, (packed, value, item) => packed.${method}(value, item), ${tag(2)}, ${name});`;
    return { type: `${itemType}[]`, itemType, default: "[]", reads: [push, packed], write, writeItem };
  }
  const reads = [{ tag: tag(scalar.wireType), line: assign(field, read) }];
  return field.hasPresence
    ? {
        type: `${itemType} | undefined`,
        itemType,
        default: "undefined",
        reads,
        write: `if (${property} !== undefined) ${writeItem(property)}`,
        writeItem,
      }
    : {
        type: itemType,
        itemType,
        default: scalar.default,
        reads,
        write: `if (${scalar.isSet(property)}) ${writeItem(property)}`,
        writeItem,
      };
}

function assign(field: protobuf.Field, read: string): string {
  return field.partOf === null || field.partOf.isProto3Optional
    ? `m.${field.name} = ${read};`
    : `m.${field.partOf.name} = { case: "${field.name}", value: ${read} };`;
}
