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
  // Java's consumers take this code in an answer to a fetch for a fault of the broker and throw; the other one makes them ask again.
  ["OFFSET_NOT_AVAILABLE", fetch, 10, 6],
  ["OFFSET_NOT_AVAILABLE", fetch, 11, 78],
  ["OFFSET_NOT_AVAILABLE", listOffsets, 4, 5],
  ["OFFSET_NOT_AVAILABLE", listOffsets, 5, 78],
  ["LISTENER_NOT_FOUND", metadata, 5, 5],
  ["LISTENER_NOT_FOUND", metadata, 6, 72],
  ["WRONG_NODE", metadata, 13, -1],
])("%s (case %#) goes out as one that its clients know", (name, api, version, code) => {
  expect(wireError(api, version, new ProtocolError(name, "why"))).toBe(code);
});
