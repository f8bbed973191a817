import { pb } from "@ottla/protocol";
import { expect, test } from "vitest";
import { changedVoters, type Circumstances } from "./voter-change.ts";

const electionTimeoutMs = 1000;

const voters = [1, 2, 3].map((nodeId) =>
  pb.Voter.create({ nodeId, directoryId: new Uint8Array(16).fill(nodeId), host: `node${nodeId}`, port: 9095 }),
);

function around(silentMs: readonly number[], matched: readonly number[] = [9, 9, 9]): Circumstances {
  const members = voters.map((voter, at) =>
    pb.QuorumMember.create({ ...voter, voter: true, matchIndex: matched[at] ?? 0, silentMs: silentMs[at] ?? -1 }),
  );
  return { members, commitIndex: 9, electionTimeoutMs, whyNot: () => null };
}

function remove(nodeId: number, silentMs: readonly number[], matched?: readonly number[]): number[] | string {
  try {
    const call = { change: pb.ChangeVotersCall_Change.REMOVE, nodeId };
    return changedVoters(call, { voters, replacing: [] }, around(silentMs, matched)).voters.map((voter) => voter.nodeId);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

test("a voter goes only while a majority of the others was heard within half an election timeout", () => {
  expect(remove(2, [0, 90, 499])).toEqual([1, 3]);
  // Node 3 died a moment ago and lost its disk: without it the two that would be left could decide nothing any more.
  expect(remove(2, [0, 90, 500])).toContain("only 1 can be reached, and 2 are needed");
  expect(remove(3, [0, 90, 5000])).toEqual([1, 2]);
});

test("a voter that a new leader has not heard of yet counts as gone", () => {
  expect(remove(2, [0, 90, 90], [9, 9, 0])).toContain("only 1 can be reached, and 2 are needed");
});
