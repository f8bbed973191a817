import { describe, expect, test } from "vitest";
import { check } from "./check.ts";
import type { Anomaly, Commit, Drain, Event, Read, Send } from "./history.ts";

/** Two producers over two partitions, four sends in flight each, one send of unknown outcome that is there and one that is not; a reader; commits. */
function cleanHistory(length: number): { events: Event[]; drains: Drain[] } {
  const events: Event[] = [];
  const partitions = [0, 1].map((partition) => ({
    partition,
    startOffset: 0,
    endOffset: 0,
    records: [] as { offset: number; value: string }[],
  }));
  for (let at = 0; at < length; at += 1) {
    const log = partitions[at % 2]!;
    const unknown = at % 50 === 49;
    const value = `p${at % 4 < 2 ? "a" : "b"}-${at}`;
    const offset = log.endOffset;
    const absent = at % 100 === 99;
    if (!absent) {
      log.records.push({ offset, value });
      log.endOffset += 1;
    }
    const send: Send = {
      kind: "send",
      producer: value.slice(0, 2),
      sequence: at,
      partition: log.partition,
      value,
      invokedMs: at,
      completedMs: at + 4,
      outcome: unknown ? "unknown" : "ok",
      offset: unknown ? -1 : offset,
    };
    events.push(send);
    if (at % 10 === 0) {
      events.push({ kind: "commit", group: "g", partition: 0, offset: at, invokedMs: at, completedMs: at + 1, outcome: "ok" });
      events.push({ kind: "committed", group: "g", partition: 0, offset: at, invokedMs: at + 2, completedMs: at + 3, outcome: "ok" });
    }
  }
  for (const { partition, records } of partitions)
    for (const { offset, value } of records) events.push({ kind: "read", reader: "r", assignment: 1, partition, offset, value });
  return { events, drains: partitions };
}

const isSend = (event: Event): event is Send => event.kind === "send";
const isRead = (event: Event): event is Read => event.kind === "read";
const isCommit = (event: Event): event is Commit => event.kind === "commit" || event.kind === "committed";

function change<E extends Event>(events: Event[], is: (event: Event) => event is E, at: number, patch: Partial<E>): Event[] {
  const target = events.filter(is)[at];
  return events.map((event) => (event === target ? { ...event, ...patch } : event));
}

function changeDrain(
  drains: Drain[],
  edit: (records: { offset: number; value: string }[]) => { offset: number; value: string }[],
  endBy = 0,
): Drain[] {
  return drains.map((drain) =>
    drain.partition === 0 ? { ...drain, endOffset: drain.endOffset + endBy, records: edit([...drain.records]) } : drain,
  );
}

test("a clean history has no anomaly", () => {
  const { events, drains } = cleanHistory(1_000);
  expect(check(events, drains)).toEqual([]);
});

test("a clean history of a million events is checked", () => {
  const { events, drains } = cleanHistory(450_000);
  expect(
    check(
      events.filter((event) => !isCommit(event)),
      drains,
    ),
  ).toEqual([]);
});

describe("each fault put into a clean history is found", () => {
  const { events, drains } = cleanHistory(1_000);
  const cases: [Anomaly["kind"], Event[], Drain[]][] = [
    ["lost", events.filter((event) => !isRead(event)), changeDrain(drains, (records) => records.slice(0, -1), -1)],
    ["doubled", events, changeDrain(drains, (records) => [...records, { offset: records.length, value: records[3]!.value }], 1)],
    ["inconsistent", change(events, isRead, 10, { value: "pa-16" }), drains],
    ["inconsistent", change(events, isSend, 20, { offset: 3 }), drains],
    ["never sent", change(events, isSend, 30, { outcome: "fail" }), drains],
    ["never sent", events, changeDrain(drains, (records) => [...records, { offset: records.length, value: "stranger" }], 1)],
    ["reordered", change(change(events, isSend, 40, { offset: 24 }), isSend, 48, { offset: 20 }), drains],
    ["gap", events, changeDrain(drains, (records) => records.filter(({ offset }) => offset !== 7))],
    ["gap", events, changeDrain(drains, (records) => records, 1)],
    ["skipped", events.filter((event) => !(isRead(event) && event.partition === 0 && event.offset === 5)), drains],
    ["committed offset fell", change(events, isCommit, 31, { offset: 20 }), drains],
  ];
  test.each(cases)("%s", (kind, mutated, drained) => {
    expect(check(mutated, drained).map((anomaly) => anomaly.kind)).toContain(kind);
  });
});

test("a record sent after another was acknowledged must stand behind it, whoever sent it", () => {
  const send = (producer: string, invokedMs: number, offset: number): Send => ({
    kind: "send",
    producer,
    sequence: 0,
    partition: 0,
    value: `${producer}${offset}`,
    invokedMs,
    completedMs: invokedMs + 1,
    outcome: "ok",
    offset,
  });
  expect(check([send("a", 0, 1), send("b", 5, 0)], []).map(({ kind }) => kind)).toContain("reordered");
});
