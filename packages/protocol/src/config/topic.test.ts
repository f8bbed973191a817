import { describe, expect, test } from "vitest";
import { ProtocolError } from "../errors.ts";
import { ConfigSource } from "../grpc/generated/index.ts";
import { describeNodeConfig, describeTopicConfig } from "./describe.ts";
import { inertTopicSettings } from "./inert-topic-settings.ts";
import { loadNodeConfig } from "./load.ts";
import { testConfig } from "./test-config.ts";
import { checkTopicName } from "./topic-name.ts";
import { checkTopicConfig, topicConfigNames, topicSetting, topicSettings } from "./topic.ts";

function refusal(check: () => void): string {
  try {
    check();
  } catch (error) {
    if (error instanceof ProtocolError) return `${error.error}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

const node = testConfig();

test("a topic follows its node until it has a value of its own", () => {
  const settings = topicSettings(
    testConfig({ logRetentionMs: 5, messageMaxBytes: 100, logFlushPolicy: { kind: "os" } }),
    new Map([
      ["retention.ms", "-1"],
      ["segment.index.bytes", "77"],
    ]),
  );
  expect(settings).toEqual({
    retentionMs: -1,
    retentionBytes: -1,
    segmentBytes: 1_073_741_824,
    segmentMs: 604_800_000,
    maxMessageBytes: 100,
    messageTimestampType: "CreateTime",
    messageTimestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
    messageTimestampAfterMaxMs: 3_600_000,
    minInsyncReplicas: -1,
    flushPolicy: { kind: "os" },
    indexIntervalBytes: 4096,
    uncleanLeaderElectionEnable: false,
  });
});

test("flush.messages=1 means commit, other numbers nothing, and flush.policy wins over it", () => {
  const os = testConfig({ logFlushPolicy: { kind: "os" } });
  const policy = (overrides: Record<string, string>) => topicSettings(os, new Map(Object.entries(overrides))).flushPolicy.kind;
  expect(policy({ "flush.messages": "1" })).toBe("commit");
  expect(policy({ "flush.messages": "2" })).toBe("os");
  expect(policy({ "flush.messages": "1", "flush.policy": "interval:5" })).toBe("interval");
});

describe("topic settings are checked before they are stored", () => {
  test.each([
    ["retention.ms", "0"],
    ["retention.ms", "-1"],
    ["retention.bytes", "-1"],
    ["segment.bytes", "1024"],
    ["max.message.bytes", "67108864"],
    ["segment.ms", "1"],
    ["min.insync.replicas", "1"],
    ["flush.policy", "interval:10"],
    ["message.timestamp.type", "LogAppendTime"],
    ["cleanup.policy", "delete"],
    ["compression.type", "producer"],
    ["min.cleanable.dirty.ratio", "1"],
    ["compression.gzip.level", "9"],
    ["follower.replication.throttled.replicas", "0:1,1:2"],
    ["retention.ms", "9223372036854775807"],
  ])("%s=%s is accepted", (name, value) => {
    expect(refusal(() => checkTopicConfig(name, value))).toBe("accepted");
  });

  test.each([
    ["retention.ms", "-2", "retention.ms=-2 must be a whole number from -1 (for ever) to 9223372036854775807"],
    ["retention.bytes", "-2", "from -1 (no limit)"],
    ["segment.bytes", "1023", "from 1024 to 2147483647"],
    ["segment.bytes", "2147483648", "from 1024 to 2147483647"],
    ["max.message.bytes", "67108865", "from 0 to 67108864"],
    ["segment.ms", "0", "from 1 to"],
    ["min.insync.replicas", "0", "except 0"],
    ["message.timestamp.type", "Whenever", "must be one of CreateTime, LogAppendTime"],
    ["cleanup.policy", "compact", "compaction, which this version does not have"],
    ["cleanup.policy", "compact,delete", "compaction, which this version does not have"],
    ["cleanup.policy", "", "must be delete"],
    ["compression.type", "zstd", "must be producer: the broker stores what the producer compressed"],
    ["min.cleanable.dirty.ratio", "1.01", "a number from 0 to 1"],
    ["preallocate", "1", "must be true or false"],
    ["compression.gzip.level", "0", "except 0"],
    ["retention.mss", "1", 'Topics have no setting "retention.mss"; did you mean retention.ms?'],
    ["log.segment.bytes", "1", "did you mean segment.bytes?"],
    ["constructor", "1", 'Topics have no setting "constructor"'],
  ])("%s=%s is refused", (name, value, text) => {
    const message = refusal(() => checkTopicConfig(name, value));
    expect(message).toMatch(/^INVALID_CONFIG: /);
    expect(message).toContain(text);
  });

  test("the defaults of settings without effect are values that are accepted", () => {
    for (const [name, setting] of inertTopicSettings)
      expect(refusal(() => checkTopicConfig(name, setting.format(setting.default)))).toBe("accepted");
  });
});

test("a topic is described completely: its own values, the node's, the defaults, and what has no effect", () => {
  const rows = new Map(
    describeTopicConfig(
      testConfig({ logSegmentBytes: 2048 }),
      new Map([
        ["retention.ms", "5"],
        ["flush.ms", "9"],
      ]),
    ).map((row) => [row.name, row]),
  );
  expect([...rows.keys()].sort()).toEqual(topicConfigNames().sort());
  expect(rows.get("retention.ms")).toMatchObject({
    value: "5",
    source: ConfigSource.SOURCE_TOPIC,
    withoutEffect: false,
    valueType: 5,
    readOnly: false,
  });
  expect(rows.get("segment.bytes")).toMatchObject({ value: "2048", source: ConfigSource.SOURCE_STATIC, valueType: 3 });
  expect(rows.get("cleanup.policy")).toMatchObject({
    value: "delete",
    source: ConfigSource.SOURCE_DEFAULT,
    withoutEffect: true,
    valueType: 7,
  });
  expect(rows.get("flush.ms")).toMatchObject({ value: "9", source: ConfigSource.SOURCE_TOPIC, withoutEffect: true });
  expect(rows.get("flush.policy")).toMatchObject({ value: "commit", source: ConfigSource.SOURCE_DEFAULT });
});

test("flush.messages=1 is shown as what it does", () => {
  const rows = new Map(
    describeTopicConfig(testConfig({ logFlushPolicy: { kind: "os" } }), new Map([["flush.messages", "1"]])).map((row) => [row.name, row]),
  );
  expect(rows.get("flush.messages")).toMatchObject({ withoutEffect: false });
  expect(rows.get("flush.policy")).toMatchObject({ value: "commit", source: ConfigSource.SOURCE_TOPIC });
});

test("a node is described with where each value comes from, and with the forms that Kafka's tools ask for", () => {
  const rows = new Map(describeNodeConfig(loadNodeConfig({ flags: { "log.retention.minutes": "90" } })).map((row) => [row.name, row]));
  expect(rows.get("log.retention.ms")).toMatchObject({ value: "5400000", source: ConfigSource.SOURCE_STATIC, readOnly: true });
  expect(rows.get("log.retention.minutes")?.value).toBe("90");
  expect(rows.get("log.retention.hours")?.value).toBeUndefined();
  expect(rows.get("log.roll.hours")?.value).toBe("168");
  expect(rows.get("num.partitions")).toMatchObject({ value: "1", source: ConfigSource.SOURCE_DEFAULT });
});

test("every value that a description shows can be set again", () => {
  for (const { name, value } of describeTopicConfig(node, new Map())) {
    expect(topicSetting(name)).toBeDefined();
    if (value !== undefined) expect(refusal(() => checkTopicConfig(name, value))).toBe("accepted");
  }
});

test.each(["a", "a".repeat(249), "A.b_c-9", "__proto__", "constructor", "..."])("%s is a topic name", (name) => {
  expect(refusal(() => checkTopicName(name))).toBe("accepted");
});

test.each([
  ["", "is empty"],
  [".", "directory"],
  ["..", "directory"],
  ["a".repeat(250), "has 250 characters, the limit is 249"],
  ["a b", 'holds " "'],
  ["a/b", 'holds "/"'],
  ["ä", 'holds "ä"'],
  ["a\n", 'holds "\\n"'],
])("%j is no topic name", (name, text) => {
  const message = refusal(() => checkTopicName(name));
  expect(message).toMatch(/^INVALID_TOPIC_EXCEPTION: /);
  expect(message).toContain(text);
});
