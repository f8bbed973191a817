import protobuf from "protobufjs";
import { docComment } from "./doc-comment.ts";
import { fieldSource, type FieldSource } from "./field-source.ts";

/** Nested types are flattened: DamagedReplica.Kind becomes DamagedReplica_Kind. */
export function typeName(type: protobuf.ReflectionObject): string {
  return type.parent instanceof protobuf.Type ? `${typeName(type.parent)}_${type.name}` : type.name;
}

/** The interface of a message and its codec. Oneofs become `{ case, value }`. */
export function messageSource(type: protobuf.Type): string {
  const name = typeName(type);
  const oneofs = type.oneofsArray.filter((oneof) => !oneof.isProto3Optional);
  const fields = type.fieldsArray.map((field) => ({ field, source: fieldSource(field, name, typeName) }));
  const plain = fields.filter(({ field }) => field.partOf === null || field.partOf.isProto3Optional);

  const members = [
    ...plain.map(({ field, source }) => `${docComment(field.comment, "  ")}  ${field.name}: ${source.type};`),
    ...oneofs.map((oneof) => `${docComment(oneof.comment, "  ")}  ${oneof.name}:${oneofType(oneof, fields)};`),
  ];
  const defaults = [
    ...plain.map(({ field, source }) => `${field.name}: ${source.default}`),
    ...oneofs.map((oneof) => `${oneof.name}: { case: undefined }`),
  ];
  const writes = [
    ...fields
      .filter(({ field }) => plain.some((other) => other.field === field))
      .map(({ field, source }) => ({ id: field.id, line: source.write })),
    ...oneofs.map((oneof) => ({ id: Math.min(...oneof.fieldsArray.map((field) => field.id)), line: oneofWrite(oneof, fields) })),
  ].sort((a, b) => b.id - a.id);
  const reads = fields.flatMap(({ source }) => source.reads);

  const interfaceBody =
    members.length === 0 ? "export type NAME = Record<never, never>;" : `export interface NAME {\n${members.join("\n")}\n}`;
  const used = fields.length > 0;
  return `${docComment(type.comment, "")}${interfaceBody.replace("NAME", name)}
export const ${name}: MessageType<${name}> = messageType<${name}>({
  empty: () => ({${defaults.length === 0 ? "" : ` ${defaults.join(", ")} `}}),
  read: (r${used ? ", m" : ""}) => {
    while (r.more()) {
      const tag = r.tag("${name}");
${used ? `      switch (tag) {\n${reads.map(({ tag, line }) => `        case ${tag}:\n          ${line}\n          break;`).join("\n")}\n        default:\n          r.skip(tag, "${name}");\n      }` : `      r.skip(tag, "${name}");`}
    }
  },
  write: (${used ? "w, m" : ""}) => {${writes.length === 0 ? "" : `\n${writes.map(({ line }) => `    ${line}`).join("\n")}\n  `}},
});
`;
}

type Fields = readonly { readonly field: protobuf.Field; readonly source: FieldSource }[];

const membersOf = (oneof: protobuf.OneOf, fields: Fields): Fields => fields.filter(({ field }) => field.partOf === oneof);

function oneofType(oneof: protobuf.OneOf, fields: Fields): string {
  const cases = membersOf(oneof, fields).map(({ field, source }) => `\n    | { case: "${field.name}"; value: ${source.itemType} }`);
  return `${cases.join("")}\n    | { case: undefined }`;
}

function oneofWrite(oneof: protobuf.OneOf, fields: Fields): string {
  const cases = membersOf(oneof, fields).map(
    ({ field, source }) => `      case "${field.name}":\n        ${source.writeItem(`m.${oneof.name}.value`)}\n        break;`,
  );
  return `switch (m.${oneof.name}.case) {\n${cases.join("\n")}\n      case undefined:\n    }`;
}
