import { readBatchHeader, setBaseOffset, setLeaderEpoch } from "@ottla/protocol";
import fc from "fast-check";
import { expect } from "vitest";
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
  | {
      readonly kind: "append";
      readonly records: number;
      readonly timestamp: number;
      readonly newEpoch: boolean;
      readonly replicated?: boolean;
    }
  | { readonly kind: "read" | "truncate" | "reset" | "delete" | "time"; readonly where: number; readonly bytes: number }
  | { readonly kind: "flush" | "roll" | "retain" | "checkpoint" | "stop" | "kill" | "power" };

const where = { where: fc.double({ min: 0, max: 1, noNaN: true }), bytes: fc.integer({ min: 1, max: 2_000 }) };
export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      records: fc.integer({ min: 1, max: 5 }),
      timestamp: fc.integer({ min: 0, max: 500 }),
      newEpoch: fc.boolean(),
      replicated: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom("read" as const, "time" as const), ...where }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("truncate" as const, "delete" as const), ...where }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reset" as const), ...where }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        "flush" as const,
        "roll" as const,
        "retain" as const,
        "checkpoint" as const,
        "stop" as const,
        "kill" as const,
        "power" as const,
      ),
    }),
  },
);

/** A log and its twin, which take the same steps. */
export class Pair {
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
        const { baseOffset, lastOffset } = step.replicated ? this.#replicate(batch, epoch) : log.append(batch, epoch);
        equal([baseOffset, lastOffset], [twin.end, twin.end + step.records - 1]);
        twin.end = lastOffset + 1;
        twin.batches.push({
          base: baseOffset,
          next: twin.end,
          epoch,
          maxTimestamp: step.timestamp + step.records - 1,
          bytes: Buffer.from(batch).toString("latin1"),
        });
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
      case "reset": {
        const offset = twin.start + Math.floor(step.where * (twin.end - twin.start)) + (step.bytes % 9);
        await rig.run(log.resetTo(offset));
        Object.assign(twin, { batches: [], start: offset, end: offset });
        equal([log.endOffset, log.durableOffset, log.lastEpoch], [offset, offset, -1]);
        return;
      }
      case "delete":
        return this.#startsAt(twin.start + Math.floor(step.where * (twin.end - twin.start)), (offset) => log.deleteRecordsTo(offset));
      case "retain":
        await rig.run(log.applyRetention(rig.host.clock.wallMs(), log.endOffset));
        return this.#startsAt(log.startOffset, async () => {});
      case "flush":
        await rig.run(log.flush());
        equal(log.durableOffset, twin.end);
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
    equal([log.startOffset, log.endOffset, log.damaged, log.failure], [twin.start, twin.end, [], null]);
    await this.#written();
    equal(
      await contentOf(this.rig, log),
      twin.batches.map(({ base, bytes }) => [base, bytes]),
    );
    for (const { base, epoch } of twin.batches) equal(log.epochAt(Math.max(base, twin.start)), epoch);
  }

  #replicate(batch: Uint8Array, epoch: number): { baseOffset: number; lastOffset: number } {
    setBaseOffset(batch, this.twin.end);
    setLeaderEpoch(batch, epoch);
    const header = readBatchHeader(batch);
    this.log.replicate(batch, header);
    return header;
  }

  async #crash(keep: "all" | "random"): Promise<void> {
    const { durableOffset } = this.log;
    this.rig.restart(keep);
    await this.open();
    equal(this.log.endOffset >= Math.max(durableOffset, this.twin.start), true);
    equal(this.log.damaged, []);
    this.twin.batches = this.twin.batches.filter((batch) => batch.next <= this.log.endOffset);
    this.#ended();
  }

  /** The end must be that of the last batch that is left. */
  #ended(): void {
    const { twin, log } = this;
    twin.end = twin.batches.at(-1)?.next ?? log.endOffset;
    equal(log.endOffset, twin.end);
    equal(twin.end >= twin.start, true);
  }

  async #startsAt(offset: number, job: (offset: number) => Promise<void>): Promise<void> {
    await this.rig.run(job(offset));
    equal(this.log.startOffset, offset);
    this.twin.start = offset;
    this.twin.batches = this.twin.batches.filter((batch) => batch.next > offset);
  }

  /** What came from another replica can be read from then on. */
  #written(): Promise<void> {
    return this.rig.run(this.log.written(this.log.endOffset));
  }

  async #read(from: number, maxBytes: number): Promise<void> {
    await this.#written();
    const { parts, bytes, nextOffset } = await this.rig.run(this.log.read({ from, until: this.twin.end, maxBytes }));
    const read = parts.map((part) => Buffer.from(part).toString("latin1")).join("");
    const rest = this.twin.batches.filter((batch) => batch.next > from);
    const expected = rest.filter((batch) => batch.next <= nextOffset);
    equal(read, expected.map((batch) => batch.bytes).join(""));
    equal(bytes, read.length);
    if (rest.length > 0) equal(expected.length > 0, true);
    if (expected.length > 1) equal(bytes <= maxBytes, true);
  }

  async #time(timestamp: number, until: number): Promise<void> {
    const { rig, twin, log } = this;
    await this.#written();
    const first = await rig.run(log.offsetForTimestamp(timestamp, until));
    equal(first?.header.baseOffset, twin.batches.find((batch) => batch.maxTimestamp >= timestamp)?.base);
    const largest = Math.max(-1, ...twin.batches.map((batch) => batch.maxTimestamp));
    const found = await rig.run(log.maxTimestamp(until));
    equal(found?.header.baseOffset, twin.batches.find((batch) => batch.maxTimestamp === largest)?.base);
    if (found !== null) equal(readBatchHeader(found.batch).maxTimestamp, largest);
  }
}

function equal(actual: unknown, expected: unknown): void {
  expect(actual).toEqual(expected);
}
