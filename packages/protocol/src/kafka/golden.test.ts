import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Api } from "./api.ts";
import { apis } from "./apis.ts";
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from "./codec.ts";
import { decodeRequestHeader } from "./header.ts";

type AnyApi = Api<unknown, unknown, unknown>;
const byName = new Map<string, AnyApi>(Object.values(apis).map((api) => [api.name, api as unknown as AnyApi]));

const frames = readFileSync(new URL("golden/frames.txt", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => {
    const [name = "", version = "", kind = "", base64 = ""] = line.split(" ");
    return { title: `${kind} v${version}`, name, version: Number(version), kind, bytes: new Uint8Array(Buffer.from(base64, "base64")) };
  });

describe.each([...byName.keys()].filter((name) => frames.some((frame) => frame.name === name)))(
  "what Kafka and its clients send: %s",
  (name) => {
    test.each(frames.filter((frame) => frame.name === name))(
      "$title is read, and written again to the same bytes",
      ({ version, kind, bytes }) => {
        const api = byName.get(name);
        if (api === undefined) throw new Error(`There is no API ${name}`);
        if (kind === "request") {
          const header = decodeRequestHeader(bytes);
          const body = decodeRequest(api, version, bytes, header.bodyAt);
          expect(joined(encodeRequest(api, version, header, body))).toEqual(bytes);
        } else {
          const { body, correlationId, unknownTags = [] } = decodeResponse(api, version, bytes);
          expect(joined(encodeResponse(api, version, correlationId, body as never, unknownTags))).toEqual(bytes);
        }
      },
    );
  },
);

// What a broker answers; the rest of the table serves those who watch the wire.
test.each([
  ...["Produce", "Fetch", "ListOffsets", "Metadata", "ApiVersions", "CreateTopics", "DeleteTopics", "DeleteRecords", "InitProducerId"],
  ...["DescribeConfigs", "AlterConfigs", "IncrementalAlterConfigs", "DescribeLogDirs", "CreatePartitions"],
  ...["ElectLeaders", "AlterPartitionReassignments", "ListPartitionReassignments", "DescribeQuorum", "DescribeCluster"],
  ...["DescribeProducers", "DescribeTopicPartitions"],
])("frames of %s were captured, in both directions", (name) => {
  expect(new Set(frames.filter((frame) => frame.name === name).map(({ kind }) => kind))).toEqual(new Set(["request", "response"]));
});

test("answers of OffsetForLeaderEpoch were captured: clients ask it only after a change of leaders", () => {
  expect(frames.filter(({ name }) => name === "OffsetForLeaderEpoch").map(({ version }) => version)).toEqual([2, 3, 4]);
});

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
