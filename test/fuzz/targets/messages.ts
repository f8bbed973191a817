import { deepStrictEqual } from "node:assert";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { pb, ProtocolError } from "@ottla/protocol";
import protobuf from "protobufjs";
import { orRefused, type Target } from "../target.ts";
import { growing } from "./growing.ts";

interface Codec {
  encode(message: object): Uint8Array;
  decode(bytes: Uint8Array): object;
}

const protoDirectory = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../../proto");
const schema = new protobuf.Root();
schema.resolvePath = (_origin, target) => (path.isAbsolute(target) ? target : path.join(protoDirectory, target));
schema.loadSync(["client", "session", "metadata", "raft", "replication"].map((name) => `ottla/v1/${name}.proto`)).resolveAll();

/** Every message that comes over a socket or out of the controller's log. */
export function messageTargets(): Target[] {
  const named = Object.entries(pb).filter((entry): entry is [string, (typeof entry)[1] & Codec] => "decode" in entry[1]);
  return named.map(([name, codec]) => messageTarget(name, codec, schema.lookupType(`ottla.v1.${name}`)));
}

function messageTarget(name: string, codec: Codec, type: protobuf.Type): Target {
  return {
    name: `message-${name}`,
    cost: 1,
    async seeds() {
      // Each member of a oneof once.
      const variants = Math.max(1, ...type.oneofsArray.map((oneof) => oneof.fieldsArray.length));
      return Array.from({ length: variants }, (_, variant) => type.encode(type.create(filled(type, variant, 0))).finish());
    },
    async check(bytes) {
      const read = await orRefused(
        () => growing(() => codec.decode(bytes), 1024 * bytes.length + (1 << 20)),
        (error) => error instanceof ProtocolError && error.error === "INVALID_REQUEST",
      );
      // What was read means the same to whoever it is passed on to.
      if (read !== undefined) deepStrictEqual(codec.decode(codec.encode(read)), read);
      return read !== undefined;
    },
  };
}

function filled(type: protobuf.Type, variant: number, depth: number): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const field of type.fieldsArray) {
    const oneof = field.partOf !== null && !field.partOf.isProto3Optional ? field.partOf : null;
    if (oneof !== null && oneof.fieldsArray[variant % oneof.fieldsArray.length] !== field) continue;
    const value = valueOf(field, variant, depth);
    if (value !== undefined) values[field.name] = field.repeated ? [value, value] : value;
  }
  return values;
}

function valueOf(field: protobuf.Field, variant: number, depth: number): unknown {
  if (field.resolvedType instanceof protobuf.Type) return depth > 5 ? undefined : filled(field.resolvedType, variant, depth + 1);
  if (field.resolvedType instanceof protobuf.Enum) return 1;
  if (field.type === "bool") return true;
  if (field.type === "string") return "größe 🦦";
  if (field.type === "bytes") return new Uint8Array(16).fill(7);
  return 300 + variant;
}
