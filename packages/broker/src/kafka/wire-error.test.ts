import { kafka, ProtocolError, type ErrorName } from "@ottla/protocol";
import { expect, test } from "vitest";
import { wireError } from "./wire-error.ts";

const { createTopics, fetch, listOffsets, metadata, produce } = kafka.apis;

test.each<[ErrorName, kafka.Api, number, number]>([
  ["NOT_LEADER_OR_FOLLOWER", produce, 3, 6],
  ["KAFKA_STORAGE_ERROR", produce, 4, 56],
  ["KAFKA_STORAGE_ERROR", produce, 3, 6],
  ["KAFKA_STORAGE_ERROR", createTopics, 2, 56],
  ["UNKNOWN_TOPIC_ID", fetch, 13, 100],
  ["UNKNOWN_TOPIC_ID", fetch, 12, 3],
  ["UNKNOWN_TOPIC_ID", listOffsets, 9, 3],
  ["LISTENER_NOT_FOUND", metadata, 5, 5],
  ["LISTENER_NOT_FOUND", metadata, 6, 72],
  ["WRONG_NODE", metadata, 13, -1],
])("%s of %o in version %i goes out as one that its clients know", (name, api, version, code) => {
  expect(wireError(api, version, new ProtocolError(name, "why"))).toBe(code);
});
