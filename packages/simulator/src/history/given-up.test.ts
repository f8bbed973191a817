import { expect, test } from "vitest";
import { check } from "./check.ts";
import { type GivenUp, withoutGivenUp } from "./given-up.ts";
import type { Drain, Event } from "./history.ts";

function sent(sequence: number, offset: number): Event {
  return {
    ...{ kind: "send", producer: "p", sequence, partition: 0, value: `v${sequence}`, offset, outcome: "ok", leaderEpoch: 0 },
    ...{ invokedMs: 10 * sequence, completedMs: 10 * sequence + 1 },
  };
}

function read(assignment: number, sequence: number, offset: number): Event {
  return { kind: "read", reader: "r", assignment, partition: 0, offset, value: `v${sequence}` };
}

/** v0 to v2 were acknowledged and read, v1 and v2 given up, v3 took the place of v1. */
const events = [sent(0, 0), sent(1, 1), sent(2, 2), read(1, 0, 0), read(1, 1, 1), read(1, 2, 2), sent(3, 1), read(1, 0, 0), read(2, 3, 1)];
const drains: Drain[] = [
  {
    ...{ partition: 0, startOffset: 0, endOffset: 2 },
    records: [
      { offset: 0, value: "v0" },
      { offset: 1, value: "v3" },
    ],
  },
];
const loss: GivenUp = { partition: 0, afterEvents: 6, fromOffset: 1, toOffset: 3 };

test("a history in which records were given up is clean once they are taken out, and not before", () => {
  expect(check(events, drains).map(({ kind }) => kind)).toEqual(expect.arrayContaining(["lost", "inconsistent", "skipped"]));
  expect(check(withoutGivenUp(events, [loss]), drains)).toEqual([]);
});

test("what was acknowledged outside of what was given up still has to be there", () => {
  const missing = drains.map((drain) => ({ ...drain, endOffset: 1, records: drain.records.slice(0, 1) }));
  expect(check(withoutGivenUp(events, [loss]), missing).map(({ kind }) => kind)).toContain("lost");
  expect(check(withoutGivenUp(events, [{ ...loss, fromOffset: 2 }]), drains).map(({ kind }) => kind)).toContain("lost");
});
