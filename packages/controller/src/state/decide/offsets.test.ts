import { errorName, type pb } from "@ottla/protocol";
import { expect, test } from "vitest";
import { Decisions, idOf } from "../decisions.test.kit.ts";
import { expireOffsets } from "./offsets.ts";

function cluster(): Decisions {
  const decisions = new Decisions({ offsetMetadataMaxBytes: 10 });
  decisions.broker(1, 1);
  decisions.create({ name: "t", partitions: 2 });
  return decisions;
}

function commit(
  decisions: Decisions,
  group: string,
  partition: number,
  offset: number,
  o: { topicId?: Uint8Array; metadata?: string } = {},
): string {
  const reply = decisions.command(1, {
    case: "commitOffsets",
    value: {
      group,
      offsets: [{ topicId: o.topicId ?? decisions.topicId("t"), partition, offset, leaderEpoch: 3, metadata: o.metadata ?? "" }],
    },
  });
  return errorName(reply.reply.case === "commitOffsets" ? (reply.reply.value.offsets[0]?.errorCode ?? -1) : reply.errorCode);
}

function fetch(decisions: Decisions, group: string, partitions: pb.TopicPartition[] = []): [number, number, string][] {
  const { reply } = decisions.command(1, { case: "fetchOffsets", value: { group, partitions } });
  if (reply.case !== "fetchOffsets") throw new Error("refused");
  return reply.value.offsets.map(({ partition, offset, metadata }) => [partition, offset, metadata]);
}

function groups(decisions: Decisions): [string, number, number][] {
  const { reply } = decisions.command(1, { case: "listGroups", value: {} });
  return reply.case === "listGroups"
    ? reply.value.groups.map(({ group, partitions, lastCommitMs }) => [group, partitions, lastCommitMs])
    : [];
}

test("a fetch gives the last commit, and -1 where there is none", () => {
  const decisions = cluster();
  expect(commit(decisions, "g", 0, 5)).toBe("NONE");
  expect(commit(decisions, "g", 0, 4, { metadata: "back" })).toBe("NONE");
  const topicId = decisions.topicId("t");
  expect(
    fetch(decisions, "g", [
      { topicId, partition: 0 },
      { topicId, partition: 1 },
    ]),
  ).toEqual([
    [0, 4, "back"],
    [1, -1, ""],
  ]);
  expect(fetch(decisions, "other")).toEqual([]);
});

test("commits that cannot be are refused", () => {
  const decisions = cluster();
  expect(commit(decisions, "", 0, 5)).toBe("INVALID_GROUP_ID");
  expect(commit(decisions, "g".repeat(249), 0, 5)).toBe("NONE");
  expect(commit(decisions, "g".repeat(250), 0, 5)).toBe("INVALID_GROUP_ID");
  expect(commit(decisions, "g", 2, 5)).toBe("UNKNOWN_TOPIC_OR_PARTITION");
  expect(commit(decisions, "g", 0, 5, { topicId: idOf(999) })).toBe("UNKNOWN_TOPIC_ID");
  expect(commit(decisions, "g", 0, 5, { topicId: new Uint8Array(3) })).toBe("INVALID_REQUEST");
  expect(commit(decisions, "g", 0, 5, { metadata: "äääää" })).toBe("NONE");
  expect(commit(decisions, "g", 0, 5, { metadata: "äääääx" })).toBe("OFFSET_METADATA_TOO_LARGE");
});

test("groups are listed with their latest commit and deleted with all their offsets", () => {
  const decisions = cluster();
  commit(decisions, "a", 0, 1);
  decisions.nowMs += 50;
  commit(decisions, "a", 1, 1);
  commit(decisions, "b", 1, 1);
  expect(groups(decisions)).toEqual([
    ["a", 2, 1_000_050],
    ["b", 1, 1_000_050],
  ]);
  const { reply } = decisions.command(1, { case: "deleteGroups", value: { groups: ["a", "never", ""] } });
  expect(reply.case === "deleteGroups" && reply.value.groups.map(({ errorCode }) => errorName(errorCode))).toEqual([
    "NONE",
    "GROUP_ID_NOT_FOUND",
    "INVALID_GROUP_ID",
  ]);
  expect(groups(decisions)).toEqual([["b", 1, 1_000_050]]);
});

test("single offsets of a group are deleted", () => {
  const decisions = cluster();
  commit(decisions, "g", 0, 1);
  commit(decisions, "g", 1, 2);
  const topicId = decisions.topicId("t");
  const { reply } = decisions.command(1, {
    case: "deleteOffsets",
    value: {
      group: "g",
      partitions: [
        { topicId, partition: 0 },
        { topicId, partition: 9 },
      ],
    },
  });
  expect(reply.case === "deleteOffsets" && reply.value.offsets.map(({ errorCode }) => errorName(errorCode))).toEqual([
    "NONE",
    "UNKNOWN_TOPIC_OR_PARTITION",
  ]);
  expect(fetch(decisions, "g")).toEqual([[1, 2, ""]]);
});

test("an offset is forgotten once its own last commit is older than it is kept", () => {
  const decisions = cluster();
  commit(decisions, "g", 0, 1);
  decisions.nowMs += 60_000;
  commit(decisions, "g", 1, 2);
  decisions.nowMs += 60_000;
  decisions.entry((draft) => expect(expireOffsets(draft, 2)).toBe(false));
  expect(fetch(decisions, "g")).toHaveLength(2);
  decisions.nowMs += 1;
  decisions.entry((draft) => expireOffsets(draft, 2));
  expect(fetch(decisions, "g")).toEqual([[1, 2, ""]]);
});

test("many offsets expire in several entries", () => {
  const decisions = cluster();
  for (let at = 0; at < 1500; at++) commit(decisions, `g${at}`, 0, 1);
  decisions.nowMs += 10 * 60_000;
  const first = decisions.entry((draft) => expect(expireOffsets(draft, 5)).toBe(true));
  const second = decisions.entry((draft) => expect(expireOffsets(draft, 5)).toBe(false));
  expect([first.records.length, second.records.length]).toEqual([1000, 500]);
  expect(groups(decisions)).toEqual([]);
});

test("producer ids come in blocks that never overlap", () => {
  const decisions = cluster();
  const block = (count: number): unknown => {
    const { reply, errorCode } = decisions.command(1, { case: "allocateProducerIds", value: { count } });
    return reply.case === "allocateProducerIds" ? [reply.value.firstId, reply.value.count] : errorName(errorCode);
  };
  expect([block(1000), block(1), block(1000), block(0)]).toEqual([[0, 1000], [1000, 1], [1001, 1000], "INVALID_REQUEST"]);
});

test("a command that is sent again gets the answer it had, and happens once", () => {
  const decisions = cluster();
  const send = (lowestUnanswered = 0): pb.CommandReply =>
    decisions.command(1, { case: "allocateProducerIds", value: { count: 10 } }, { sequence: 500, lowestUnanswered });
  const first = send();
  expect(send()).toEqual(first);
  expect(decisions.state.nextProducerId).toBe(10);
  expect(errorName(send(501).errorCode)).toBe("NONE");
});

test("a refusal is decided anew each time", () => {
  const decisions = cluster();
  const send = (): pb.CommandReply => decisions.command(1, { case: "commitOffsets", value: { group: "", offsets: [] } }, { sequence: 600 });
  expect([send().errorCode, send().errorCode]).toEqual([24, 24]);
  expect(decisions.state.replies.get(1, 600)).toBeUndefined();
});

test("kept replies are bounded: dropped once the broker no longer needs them, and refused when it never says so", () => {
  const decisions = cluster();
  const send = (sequence: number, lowestUnanswered: number): string =>
    errorName(decisions.command(1, { case: "allocateProducerIds", value: { count: 1 } }, { sequence, lowestUnanswered }).errorCode);
  for (let sequence = 1000; sequence < 2000; sequence++) expect(send(sequence, sequence - 5)).toBe("NONE");
  expect(decisions.state.replies.count(1)).toBeLessThanOrEqual(70);
  const outcomes = new Set<string>();
  for (let sequence = 2000; sequence < 2600; sequence++) outcomes.add(send(sequence, 2000));
  expect([...outcomes]).toEqual(["NONE", "THROTTLING_QUOTA_EXCEEDED"]);
  expect(decisions.state.replies.count(1)).toBeLessThanOrEqual(500);
  expect(send(2600, 2500)).toBe("NONE");
});

test("a command larger than an entry may be is refused as a whole", () => {
  const decisions = cluster();
  const topicId = decisions.topicId("t");
  const group = "g".repeat(249);
  const offsets = Array.from({ length: 20_000 }, (_, at) => ({ topicId, partition: at % 2, offset: at, leaderEpoch: 0, metadata: "" }));
  const before = decisions.state.digest;
  const reply = decisions.command(1, { case: "commitOffsets", value: { group, offsets } });
  expect(errorName(reply.errorCode)).toBe("POLICY_VIOLATION");
  expect(decisions.state.digest).toEqual(before);
});
