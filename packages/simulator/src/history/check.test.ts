import { describe, expect, test } from "vitest";
import { check } from "./check.ts";
import { simulate } from "../simulate.ts";
import type { Anomaly, Commit, Drain, Dump, Event, Latest, Metadata, Read, Send } from "./history.ts";

/** Programs do not look at metadata with its place in the log. */
const NOT_RECORDED = new Set(["a look shows what is not there"]);

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
      leaderEpoch: 0,
      offset: unknown ? -1 : offset,
    };
    events.push(send);
    if (at % 10 === 0) {
      events.push({ kind: "commit", group: "g", partition: 0, offset: at, invokedMs: at, completedMs: at + 1, outcome: "ok" });
      events.push({ kind: "committed", group: "g", partition: 0, offset: at, invokedMs: at + 2, completedMs: at + 3, outcome: "ok" });
    }
  }
  for (const [at, { partition, endOffset }] of partitions.entries())
    for (const epoch of [0, 1])
      events.push({
        kind: "latest",
        partition,
        offset: endOffset,
        leaderEpoch: epoch,
        invokedMs: length + 10 * epoch + at,
        completedMs: length + 10 * epoch + at + 1,
      });
  for (const index of [1, 2, 3]) {
    const around = { key: "topic", index, invokedMs: 10 * index, completedMs: 10 * index + 1 };
    events.push({ kind: "changed", value: `v${index}`, ...around });
    events.push({ kind: "looked", value: `v${index}`, ...around, invokedMs: 10 * index + 2, completedMs: 10 * index + 3 });
  }
  for (const { partition, records } of partitions)
    for (const { offset, value } of records) events.push({ kind: "read", reader: "r", assignment: 1, partition, offset, value });
  return { events, drains: partitions };
}

const isSend = (event: Event): event is Send => event.kind === "send";
const isOk = (event: Event): event is Send => event.kind === "send" && event.outcome === "ok";
const isRead = (event: Event): event is Read => event.kind === "read";
const isFetch = (event: Event): event is Commit => event.kind === "committed" && event.outcome === "ok";
const isLatest = (event: Event): event is Latest => event.kind === "latest";
const isLook = (event: Event): event is Metadata => event.kind === "looked";
const isChange = (event: Event): event is Metadata => event.kind === "changed";

interface History {
  readonly events: readonly Event[];
  readonly drains: readonly Drain[];
  readonly dumps: readonly Dump[];
}

function change<E extends Event>({ events }: History, is: (event: Event) => event is E, at: number, patch: Partial<E>): Event[] {
  const target = events.filter(is)[at];
  expect(target, "the history has what is to be changed").toBeDefined();
  return events.map((event) => (event === target ? { ...event, ...patch } : event));
}

type Records = { offset: number; value: string }[];

/** Edits the longest drain. */
function changeDrain({ drains }: History, edit: (records: Records) => Records, endBy = 0): Drain[] {
  const longest = [...drains].sort((a, b) => b.records.length - a.records.length)[0];
  return drains.map((drain) =>
    drain === longest ? { ...drain, endOffset: drain.endOffset + endBy, records: edit([...drain.records]) } : drain,
  );
}

test("a clean history has no anomaly", () => {
  const { events, drains } = cleanHistory(1_000);
  expect(check(events, drains)).toEqual([]);
});

test("a clean history of a million events has no anomaly", { timeout: 120_000 }, () => {
  const { events, drains } = cleanHistory(420_000);
  expect(events.length).toBeGreaterThan(900_000);
  expect(check(events, drains)).toEqual([]);
});

/** One change for each anomaly, and what must be said of it. */
const mutations: [string, Anomaly["kind"], (history: History) => Partial<History>][] = [
  [
    "the last acknowledged record is gone",
    "lost",
    (h) => ({ events: h.events.filter((event) => !isRead(event)), drains: changeDrain(h, (records) => records.slice(0, -3), -3) }),
  ],
  [
    "a record is there twice",
    "doubled",
    (h) => ({ drains: changeDrain(h, (records) => [...records, { ...records[3]!, offset: records.at(-1)!.offset + 1 }], 1) }),
  ],
  ["a reader saw something else", "inconsistent", (h) => ({ events: change(h, isRead, 10, { value: h.events.filter(isSend)[0]!.value }) })],
  [
    "an acknowledgement names another place",
    "inconsistent",
    (h) => ({ events: change(h, isOk, 20, { offset: h.events.filter(isOk)[20]!.offset + 1 }) }),
  ],
  ["a refused record is there", "never sent", (h) => ({ events: change(h, isOk, 30, { outcome: "fail" }) })],
  [
    "a stranger's record is there",
    "never sent",
    (h) => ({ drains: changeDrain(h, (records) => [...records, { offset: records.at(-1)!.offset + 1, value: "stranger" }], 1) }),
  ],
  [
    "a later record stands before an earlier one",
    "reordered",
    (h) => {
      const sends = h.events.filter(isOk);
      const later = sends.findIndex(
        (send, at) => at > 40 && send.partition === sends[0]!.partition && send.producer === sends[0]!.producer,
      );
      return { events: change(h, isOk, later, { offset: 0 }) };
    },
  ],
  ["an offset is missing", "gap", (h) => ({ drains: changeDrain(h, (records) => records.filter((_, at) => at !== 7)) })],
  ["the end was not reached", "gap", (h) => ({ drains: changeDrain(h, (records) => records, 1) })],
  [
    "a reader passed a record by",
    "skipped",
    (h) => {
      const reads = h.events.filter(isRead);
      const sameReader = (a: (typeof reads)[number], b: (typeof reads)[number]): boolean =>
        a.reader === b.reader && a.assignment === b.assignment && a.partition === b.partition;
      // One that the same reader read on both sides of.
      const gone = reads.find(
        (read, at) =>
          reads.slice(0, at).some((other) => sameReader(other, read)) && reads.slice(at + 1).some((other) => sameReader(other, read)),
      )!;
      return { events: h.events.filter((event) => event !== gone) };
    },
  ],
  [
    "a committed offset fell",
    "committed offset fell",
    (h) => ({ events: change(h, isFetch, h.events.filter(isFetch).length - 1, { offset: 0 }) }),
  ],
  [
    "a partition's end fell",
    "end fell",
    (h) => {
      const answers = h.events.filter(isLatest);
      const last = answers.findLastIndex((one, at) =>
        answers.some(
          (other, before) =>
            before < at &&
            other.partition === one.partition &&
            other.leaderEpoch === one.leaderEpoch &&
            other.offset > 0 &&
            other.completedMs < one.invokedMs,
        ),
      );
      return last < 0
        ? { events: [...h.events, { ...answers[0]!, offset: 0, invokedMs: 1e9, completedMs: 1e9 }] }
        : { events: change(h, isLatest, last, { offset: 0 }) };
    },
  ],
  [
    "a leader does not know of what was acknowledged",
    "stale end",
    (h) => {
      const answers = h.events.filter(isLatest);
      return { events: [...h.events, { ...answers[0]!, leaderEpoch: 1000, offset: 0, invokedMs: 1e9, completedMs: 1e9 }] };
    },
  ],
  ["two changes share an entry", "metadata", (h) => ({ events: [...h.events, ...h.events.filter(isChange).slice(0, 1)] })],
  [
    "a look shows what is not there",
    "metadata",
    (h) => ({ events: change(h, isLook, h.events.filter(isLook).length - 1, { value: "else" }) }),
  ],
  [
    "a replica holds another batch",
    "diverged",
    (h) => ({
      dumps: h.dumps.map((dump, at) =>
        at === h.dumps.length - 1
          ? { ...dump, batches: dump.batches.map((batch, of) => (of === 0 ? { ...batch, hash: "other" } : batch)) }
          : dump,
      ),
    }),
  ],
];

describe("each fault put into a clean history is found", () => {
  const dump = (node: string): Dump => ({
    node,
    partition: 0,
    highWatermark: 2,
    batches: [
      { baseOffset: 0, lastOffset: 1, hash: "a" },
      { baseOffset: 2, lastOffset: 2, hash: node },
    ],
  });
  const history: History = { ...cleanHistory(1_000), dumps: [dump("node1"), dump("node2")] };
  test("it is clean before", () => expect(check(history.events, history.drains, history.dumps)).toEqual([]));
  test.each(mutations)("%s", (_, kind, mutate) => {
    const { events, drains, dumps } = { ...history, ...mutate(history) };
    expect(check(events, drains, dumps).map((anomaly) => anomaly.kind)).toContain(kind);
  });
});

describe("each fault put into the history of a real cluster is found", async () => {
  const { history, findings } = await simulate({ seed: 2, faultsMs: 12_000, keepHistory: true });
  if (history === null) throw new Error("The simulation kept no history");
  test("it is clean before", () => expect(findings).toEqual([]));
  test.each(mutations.filter(([name]) => !NOT_RECORDED.has(name)))("%s", (_, kind, mutate) => {
    const { events, drains, dumps } = { ...history, ...mutate(history) };
    expect(check(events, drains, dumps).map((anomaly) => anomaly.kind)).toContain(kind);
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
