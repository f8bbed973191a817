import { readBatchHeader } from "@ottla/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { LogDirectory } from "./directory/log-directory.ts";
import type { Log } from "./log/log.ts";
import { batchOf, contentOf, Rig } from "./rig.test.kit.ts";
import type { LogSettings } from "./settings.ts";

/** A log as a plain list. */
interface Twin {
  batches: { base: number; next: number; epoch: number; maxTimestamp: number; bytes: string }[];
  start: number;
  end: number;
}

type Step =
  | { readonly kind: "append"; readonly records: number; readonly timestamp: number; readonly newEpoch: boolean }
  | { readonly kind: "read" | "truncate" | "delete" | "time"; readonly where: number; readonly bytes: number }
  | { readonly kind: "flush" | "roll" | "retain" | "checkpoint" | "stop" | "kill" | "power" };

const where = { where: fc.double({ min: 0, max: 1, noNaN: true }), bytes: fc.integer({ min: 1, max: 2_000 }) };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("append" as const), records: fc.integer({ min: 1, max: 5 }), timestamp: fc.integer({ min: 0, max: 500 }), newEpoch: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom("read" as const, "time" as const), ...where }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("truncate" as const, "delete" as const), ...where }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("flush" as const, "roll" as const, "retain" as const, "checkpoint" as const, "stop" as const, "kill" as const, "power" as const) }) },
);

class Pair {
  readonly rig: Rig;
  readonly #settings: Partial<LogSettings>;
  readonly twin: Twin = { batches: [], start: 0, end: 0 };
  #directory: LogDirectory | null = null;
  #log: Log | null = null;

  constructor(seed: number, cacheBytes: number, settings: Partial<LogSettings>) {
    this.rig = new Rig(seed, { cacheBytes, maxOpenFiles: 2 });
    this.#settings = settings;
  }

  get log(): Log {
    if (this.#log === null) throw new Error("the log is not open");
    return this.#log;
  }

  async open(): Promise<void> {
    this.#directory = await this.rig.open();
    this.#log = await this.rig.openLog(this.#directory, "t-0", this.#settings);
  }

  async take(step: Step): Promise<void> {
    const { rig, twin, log } = this;
    switch (step.kind) {
      case "append": {
        const epoch = Math.max(log.lastEpoch, 0) + (step.newEpoch ? 1 : 0);
        const batch = batchOf("x", step.records, { timestamp: step.timestamp, valueBytes: 1 + (step.timestamp % 90) });
        const { baseOffset, lastOffset } = log.append(batch, epoch);
        expect([baseOffset, lastOffset]).toEqual([twin.end, twin.end + step.records - 1]);
        twin.end = lastOffset + 1;
        twin.batches.push({ base: baseOffset, next: twin.end, epoch, maxTimestamp: step.timestamp + step.records - 1, bytes: Buffer.from(batch).toString("latin1") });
        return;
      }
      case "read":
        return this.#read(twin.start + Math.floor(step.where * (twin.end - twin.start)), step.bytes);
      case "time":
        return this.#time(Math.floor(step.where * 520), twin.end);
      case "truncate": {
        const offset = twin.start + Math.floor(step.where * (twin.end - twin.start));
        await rig.run(log.truncateTo(offset));
        twin.batches = twin.batches.filter((batch) => batch.next <= offset);
        return this.#ended();
      }
      case "delete":
        return this.#startsAt(twin.start + Math.floor(step.where * (twin.end - twin.start)), (offset) => log.deleteRecordsTo(offset));
      case "retain":
        await rig.run(log.applyRetention(rig.host.clock.wallMs(), log.endOffset));
        return this.#startsAt(log.startOffset, async () => {});
      case "flush":
        await rig.run(log.flush());
        expect(log.durableOffset).toBe(twin.end);
        return;
      case "roll":
        return rig.run(log.roll());
      case "checkpoint":
        return rig.run(log.checkpoint());
      case "stop":
        await rig.run(this.#directory?.close({ brokerEpoch: 1 }) ?? Promise.resolve());
        await this.open();
        return this.#ended();
      case "kill":
      case "power":
        return this.#crash(step.kind === "kill" ? "all" : "random");
    }
  }

  async same(): Promise<void> {
    const { log, twin } = this;
    expect([log.startOffset, log.endOffset, log.damaged, log.failure]).toEqual([twin.start, twin.end, [], null]);
    expect(await contentOf(this.rig, log)).toEqual(twin.batches.map(({ base, bytes }) => [base, bytes]));
    for (const { base, epoch } of twin.batches) expect(log.epochAt(Math.max(base, twin.start))).toBe(epoch);
  }

  async #crash(keep: "all" | "random"): Promise<void> {
    const { durableOffset } = this.log;
    this.rig.restart(keep);
    await this.open();
    expect(this.log.endOffset).toBeGreaterThanOrEqual(Math.max(durableOffset, this.twin.start));
    expect(this.log.damaged).toEqual([]);
    this.twin.batches = this.twin.batches.filter((batch) => batch.next <= this.log.endOffset);
    this.#ended();
  }

  /** The end must be that of the last batch that is left. */
  #ended(): void {
    const { twin, log } = this;
    twin.end = twin.batches.at(-1)?.next ?? log.endOffset;
    expect(log.endOffset).toBe(twin.end);
    expect(twin.end).toBeGreaterThanOrEqual(twin.start);
  }

  async #startsAt(offset: number, job: (offset: number) => Promise<void>): Promise<void> {
    await this.rig.run(job(offset));
    expect(this.log.startOffset).toBe(offset);
    this.twin.start = offset;
    this.twin.batches = this.twin.batches.filter((batch) => batch.next > offset);
  }

  async #read(from: number, maxBytes: number): Promise<void> {
    const { parts, bytes, nextOffset } = await this.rig.run(this.log.read({ from, until: this.twin.end, maxBytes }));
    const read = parts.map((part) => Buffer.from(part).toString("latin1")).join("");
    const rest = this.twin.batches.filter((batch) => batch.next > from);
    const expected = rest.filter((batch) => batch.next <= nextOffset);
    expect(read).toBe(expected.map((batch) => batch.bytes).join(""));
    expect(bytes).toBe(read.length);
    if (rest.length > 0) expect(expected.length).toBeGreaterThan(0);
    if (expected.length > 1) expect(bytes).toBeLessThanOrEqual(maxBytes);
  }

  async #time(timestamp: number, until: number): Promise<void> {
    const { rig, twin, log } = this;
    const first = await rig.run(log.offsetForTimestamp(timestamp, until));
    expect(first?.header.baseOffset).toBe(twin.batches.find((batch) => batch.maxTimestamp >= timestamp)?.base);
    const largest = Math.max(-1, ...twin.batches.map((batch) => batch.maxTimestamp));
    const found = await rig.run(log.maxTimestamp(until));
    expect(found?.header.baseOffset).toBe(twin.batches.find((batch) => batch.maxTimestamp === largest)?.base);
    if (found !== null) expect(readBatchHeader(found.batch).maxTimestamp).toBe(largest);
  }
}

test("a log behaves as a plain list does, whatever happens to it in whatever order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 40 }),
      fc.constantFrom(0, 400, 100_000),
      fc.constantFrom<LogSettings["flush"]>({ kind: "commit" }, { kind: "os" }, { kind: "interval", ms: 10 }),
      fc.integer({ min: 1, max: 1_000_000 }),
      async (steps, cacheBytes, flush, seed) => {
        const pair = new Pair(seed, cacheBytes, { flush, segmentBytes: 600, indexIntervalBytes: 50, retentionBytes: 2_500 });
        await pair.open();
        for (const one of steps) await pair.take(one);
        await pair.same();
      },
    ),
    { numRuns: 1_500 },
  );
});
