import { deepStrictEqual } from "node:assert";
import fc from "fast-check";
import protobuf from "protobufjs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../errors.ts";
import * as pb from "./generated/index.ts";
import type { MessageType } from "./wire/message.ts";

const protoDirectory = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../../../proto");
const schema = new protobuf.Root();
schema.resolvePath = (_origin, target) => (path.isAbsolute(target) ? target : path.join(protoDirectory, target));
schema.loadSync(["client", "session", "metadata", "raft", "replication"].map((name) => `ottla/v1/${name}.proto`)).resolveAll();

const messages = Object.entries(pb)
  .filter((entry): entry is [string, MessageType<object>] => "decode" in entry[1])
  .map(([name, codec]) => ({ name, codec, type: schema.lookupType(`ottla.v1.${name}`) }));

const isOneof = (field: protobuf.Field): boolean => field.partOf !== null && !field.partOf.isProto3Optional;

/** Messages in our form, for any type of the schema. */
function arbitraryMessage(type: protobuf.Type): fc.Arbitrary<object> {
  const plain = type.fieldsArray.filter((field) => !isOneof(field));
  const oneofs = type.oneofsArray.filter((oneof) => !oneof.isProto3Optional);
  return fc.record(
    {
      ...Object.fromEntries(plain.map((field) => [field.name, arbitraryField(field)])),
      ...Object.fromEntries(oneofs.map((oneof) => [oneof.name, arbitraryOneof(oneof)])),
    },
    { noNullPrototype: true },
  );
}

function arbitraryOneof(oneof: protobuf.OneOf): fc.Arbitrary<object> {
  return fc.oneof(
    fc.constant({ case: undefined }),
    ...oneof.fieldsArray.map((field) => arbitraryItem(field).map((value) => ({ case: field.name, value }))),
  );
}

function arbitraryField(field: protobuf.Field): fc.Arbitrary<unknown> {
  const item = arbitraryItem(field);
  if (field.repeated) return fc.array(item, { maxLength: 3 });
  return field.hasPresence ? fc.option(item, { nil: undefined }) : item;
}

function arbitraryItem(field: protobuf.Field): fc.Arbitrary<unknown> {
  if (field.resolvedType instanceof protobuf.Type) return arbitraryMessage(field.resolvedType);
  const withExtremes = (least: number, greatest: number, any: fc.Arbitrary<number>): fc.Arbitrary<number> =>
    fc.oneof(fc.constantFrom(0, least, greatest), any);
  switch (field.resolvedType instanceof protobuf.Enum ? "int32" : field.type) {
    case "uint32":
      return withExtremes(0, 2 ** 32 - 1, fc.nat());
    case "int32":
    case "sint32":
      return withExtremes(-(2 ** 31), 2 ** 31 - 1, fc.integer());
    case "uint64":
      return withExtremes(0, Number.MAX_SAFE_INTEGER, fc.maxSafeNat());
    case "sint64":
      return withExtremes(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, fc.maxSafeInteger());
    case "bool":
      return fc.boolean();
    case "string":
      return fc.oneof(fc.string({ maxLength: 60 }), fc.constantFrom("größer", "日本語", "🦦", "a".repeat(40) + "é"));
    case "bytes":
      return fc.oneof(
        fc.uint8Array({ maxLength: 20 }),
        fc.integer({ min: 1000, max: 3000 }).map((length) => new Uint8Array(length).fill(length)),
      );
    default:
      throw new Error(`no arbitrary for ${field.type}`);
  }
}

/** The same message in protobufjs's form, without what is at its default. */
function toReflected(type: protobuf.Type, message: object): protobuf.Message {
  const properties: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(message)) {
    const oneof = type.oneofs?.[name];
    if (oneof !== undefined) {
      if (value.case !== undefined) properties[value.case] = reflectedItem(type.get(value.case) as protobuf.Field, value.value);
      continue;
    }
    const field = type.get(name) as protobuf.Field;
    if (field.repeated) properties[name] = value.map((item: unknown) => reflectedItem(field, item));
    else if (field.hasPresence ? value !== undefined : value !== 0 && value !== "" && value !== false && value.length !== 0)
      properties[name] = reflectedItem(field, value);
  }
  return type.create(properties);
}

function reflectedItem(field: protobuf.Field, value: unknown): unknown {
  return field.resolvedType instanceof protobuf.Type ? toReflected(field.resolvedType, value as object) : value;
}

/** What decode may do with bytes it does not like. */
function decodeOrRefuse(codec: MessageType<object>, bytes: Uint8Array): "read" | "refused" {
  try {
    codec.decode(bytes);
    return "read";
  } catch (error) {
    if (error instanceof ProtocolError && error.error === "INVALID_REQUEST") return "refused";
    throw error;
  }
}

test("every message of the proto files has a codec", () => {
  const inFiles = schema.lookup("ottla.v1") as protobuf.Namespace;
  const names = inFiles.nestedArray.filter((nested) => nested instanceof protobuf.Type).map((type) => type.name);
  expect(messages.map(({ name }) => name).sort()).toEqual(names.sort());
});

describe.each(messages)("$name", ({ codec, type }) => {
  test("has the bytes that protobufjs gives it, and reads them back", () => {
    fc.assert(
      fc.property(arbitraryMessage(type), (message) => {
        const bytes = codec.encode(message);
        deepStrictEqual(Buffer.from(bytes).toString("hex"), Buffer.from(type.encode(toReflected(type, message)).finish()).toString("hex"));
        deepStrictEqual(codec.decode(bytes), message);
      }),
      { numRuns: 20 },
    );
  });

  test("is refused in plain words when it is cut anywhere within a field", () => {
    fc.assert(
      fc.property(arbitraryMessage(type), (message) => {
        const bytes = codec.encode(message).subarray(0, 200);
        for (let length = 0; length < bytes.length; length++) decodeOrRefuse(codec, bytes.subarray(0, length));
      }),
      { numRuns: 3 },
    );
  });

  test("is read or refused from any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void decodeOrRefuse(codec, bytes)),
      { numRuns: 50 },
    );
  });

  test("survives flipped bytes as itself, as another message or as an error", () => {
    fc.assert(
      fc.property(arbitraryMessage(type), fc.nat(), fc.nat(255), (message, at, byte) => {
        const bytes = codec.encode(message);
        if (bytes.length > 0) bytes[at % bytes.length] = byte;
        decodeOrRefuse(codec, bytes);
      }),
      { numRuns: 20 },
    );
  });
});

test("whole numbers are exact up to 2^53 - 1 and refused beyond, on both sides", () => {
  const greatest = Number.MAX_SAFE_INTEGER;
  for (const offset of [greatest, -greatest, -1, 2 ** 31, -(2 ** 32), 2 ** 40 + 1])
    expect(pb.ListedOffset.decode(pb.ListedOffset.encode(pb.ListedOffset.create({ offset }))).offset).toBe(offset);
  expect(() => pb.OffsetRange.encode({ from: 2 ** 53, until: 0 })).toThrow(
    "Cannot write the message: OffsetRange.from: 9007199254740992 is no whole number from 0 to 9007199254740991",
  );
  expect(() => pb.OffsetRange.encode({ from: 1.5, until: 0 })).toThrow("OffsetRange.from: 1.5");
  expect(() => pb.OffsetRange.encode({ from: 0, until: -1 })).toThrow("OffsetRange.until: -1");
  const beyond = Uint8Array.of(0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10);
  expect(() => pb.OffsetRange.decode(beyond)).toThrow("Cannot read the message: OffsetRange.from: a value above 9007199254740991");
  expect(pb.OffsetRange.decode(Uint8Array.of(0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f)).from).toBe(greatest);
  const sint64Beyond = Uint8Array.of(0x28, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20);
  expect(() => pb.ListedOffset.decode(sint64Beyond)).toThrow("ListedOffset.offset: a value beyond");
  expect(() => pb.LeaderHint.decode(Uint8Array.of(0x08, ...Array.from({ length: 10 }, () => 0xff), 1))).toThrow("more than 64 bits");
  expect(() => pb.TopicPartition.decode(Uint8Array.of(0x10, 0x80, 0x80, 0x80, 0x80, 0x10))).toThrow(
    "TopicPartition.partition: a value above 4294967295",
  );
});

test("bytes are views into what was received", () => {
  const received = Buffer.concat([
    Buffer.alloc(7),
    pb.ProducePartition.encode({ topicId: new Uint8Array(16), partition: 3, records: new Uint8Array(5000).fill(7) }),
  ]);
  const { records } = pb.ProducePartition.decode(received.subarray(7));
  expect(records.buffer).toBe(received.buffer);
  expect(Buffer.isBuffer(records)).toBe(false);
  expect(records).toEqual(new Uint8Array(5000).fill(7));
});

test("a message does not change when the bytes it was made of do, or when the next is encoded", () => {
  const records = new Uint8Array(5000).fill(1);
  const first = pb.ProducePartition.encode({ topicId: new Uint8Array(16), partition: 3, records });
  const copy = first.slice();
  records.fill(2);
  pb.ProducePartition.encode({ topicId: new Uint8Array(16), partition: 9, records });
  expect(first).toEqual(copy);
});

test("an encoder that failed encodes the next message right", () => {
  expect(() =>
    pb.FetchRequest.encode(pb.FetchRequest.create({ minBytes: -1, partitions: [pb.FetchPartition.create({ partition: 1 })] })),
  ).toThrow(ProtocolError);
  expect(pb.TopicPartition.decode(pb.TopicPartition.encode({ topicId: Uint8Array.of(1), partition: 2 }))).toEqual({
    topicId: Uint8Array.of(1),
    partition: 2,
  });
});

test("fields of a later version are skipped", () => {
  const later = Uint8Array.of(0x08, 5, 0xf8, 0x01, 9, 0xfa, 0x01, 2, 1, 2, 0xfd, 0x01, 0, 0, 0, 0, 0xf9, 0x01, 0, 0, 0, 0, 0, 0, 0, 0);
  expect(pb.RemoveBrokerRecord.decode(later)).toEqual({ nodeId: 5 });
});

test("a list of numbers is read packed and one by one", () => {
  expect(pb.ReplicaAssignment.decode(Uint8Array.of(0x0a, 2, 1, 2)).nodes).toEqual([1, 2]);
  expect(pb.ReplicaAssignment.decode(Uint8Array.of(0x08, 1, 0x08, 2)).nodes).toEqual([1, 2]);
});

test("text must be UTF-8", () => {
  expect(() => pb.FeatureRecord.decode(Uint8Array.of(0x0a, 2, 0xc3, 0x28))).toThrow("FeatureRecord.name: text that is not UTF-8");
});

test("a small message cannot become a heap full of objects", () => {
  const two = Uint8Array.of(0x0a, 0);
  const bytes = new Uint8Array(2 * 1_000_001);
  for (let at = 0; at < bytes.length; at += 2) bytes.set(two, at);
  expect(() => pb.FetchOffsetsAnswer.decode(bytes)).toThrow("FetchOffsetsAnswer.offsets: more than 1000000 list items in one message");
});
