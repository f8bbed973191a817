import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProduceError } from "../errors.ts";

import { FakeCluster } from "../testing/fake-cluster.test.kit.ts";
import type { Fault } from "../testing/fake-state.test.kit.ts";
import type { RecordMetadata } from "./api.ts";

const breaks = fc.record({
  kind: fc.constant("break" as const),
  appended: fc.boolean(),
  stale: fc.nat(4),
  lingersMs: fc.constantFrom(0, 0, 3),
});
const passing = fc.record({
  kind: fc.constant("error" as const),
  error: fc.constantFrom("NOT_ENOUGH_REPLICAS" as const, "REQUEST_TIMED_OUT" as const, "KAFKA_STORAGE_ERROR" as const),
  appended: fc.boolean(),
});
const final = fc.record({
  kind: fc.constant("error" as const),
  error: fc.constantFrom("INVALID_TIMESTAMP" as const, "INVALID_RECORD" as const),
  appended: fc.constant(false),
});
const slow = fc.record({ kind: fc.constant("slow" as const), ms: fc.integer({ min: 1, max: 3000 }) });
const silent = fc.constant({ kind: "silent" as const });
const fine = fc.constant(undefined);

/** Breaks after any frame, with any number of the frames behind it carried out all the same; errors, silence, moves. */
function script(fault: fc.Arbitrary<Fault | undefined>) {
  return fc.record({
    seed: fc.integer(),
    faults: fc.array(fault, { maxLength: 30 }),
    moves: fc.array(fc.nat(40), { maxLength: 3 }),
    compression: fc.constantFrom("none" as const, "gzip" as const),
    batchBytes: fc.constantFrom(100, 400, 4000),
    partitions: fc.integer({ min: 1, max: 3 }),
    deliveryTimeoutMs: fc.constantFrom(500, 5_000),
  });
}

type Script = ReturnType<typeof script> extends fc.Arbitrary<infer S> ? S : never;

/** Sends 0, 1, … to the partitions in turn, most at once, some later, and returns each outcome. */
async function play(
  cluster: FakeCluster,
  { faults, moves, compression, batchBytes, partitions }: Script,
  deliveryTimeoutMs: number,
): Promise<(RecordMetadata | ProduceError)[]> {
  cluster.addTopic("t", partitions);
  let count = 0;
  cluster.onProduce = () => {
    const index = count++;
    if (moves.includes(index)) cluster.move(cluster.partition("t", index % partitions), 1 + (index % 2));
    return faults[index];
  };
  const producer = cluster.client({ requestTimeoutMs: 2_000 }).producer({ compression, batchBytes, lingerMs: 1, deliveryTimeoutMs });
  const sends = Array.from({ length: 120 }, async (_, n) => {
    if (later(n)) await new Promise<void>((resolve) => cluster.clock.after(n, resolve));
    return await producer.send("t", { value: String(n), partition: n % partitions }).catch((error: unknown) => {
      if (error instanceof ProduceError) return error;
      throw error;
    });
  });
  return await cluster.run(Promise.all(sends), 3_600_000);
}

const later = (n: number): boolean => n % 30 === 29;

/** The numbers that one partition acknowledged, by offset. */
function acknowledged(outcomes: readonly (RecordMetadata | ProduceError)[], partition: number): { n: number; offset: number }[] {
  const all = outcomes.flatMap((outcome, n) =>
    outcome instanceof ProduceError || outcome.partition !== partition ? [] : [{ n, offset: outcome.offset }],
  );
  return all.toSorted((one, other) => one.offset - other.offset);
}

function expectOrder(numbers: readonly number[]): void {
  const atOnce = numbers.filter((n) => !later(n));
  expect(atOnce).toEqual(atOnce.toSorted((one, other) => one - other));
}

describe("whatever happens to streams, answers and leaders", () => {
  test("an idempotent producer gets each record into the log once and in order", async () => {
    const faults = fc.oneof(
      { weight: 4, arbitrary: fine },
      { weight: 3, arbitrary: breaks },
      { weight: 2, arbitrary: passing },
      slow,
      silent,
    );
    await fc.assert(
      fc.asyncProperty(script(faults), async (planned) => {
        await using cluster = await FakeCluster.start({ brokers: 2, seed: planned.seed });
        const outcomes = await play(cluster, planned, 120_000);
        for (let partition = 0; partition < planned.partitions; partition++) {
          const told = acknowledged(outcomes, partition);
          expect(await cluster.values("t", partition)).toEqual(told.map(({ n }) => String(n)));
          expect(told.map(({ offset }) => offset)).toEqual(told.map((_, offset) => offset));
          expectOrder(told.map(({ n }) => n));
        }
        expect(outcomes.filter((outcome) => outcome instanceof ProduceError)).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  test("what is refused or given up leaves no gap, and each outcome is what the log says", async () => {
    const faults = fc.oneof(
      { weight: 3, arbitrary: fine },
      { weight: 3, arbitrary: breaks },
      { weight: 2, arbitrary: final },
      passing,
      slow,
      silent,
    );
    await fc.assert(
      fc.asyncProperty(script(faults), async (planned) => {
        await using cluster = await FakeCluster.start({ brokers: 2, seed: planned.seed });
        const outcomes = await play(cluster, planned, planned.deliveryTimeoutMs);
        for (let partition = 0; partition < planned.partitions; partition++) {
          const log = await cluster.values("t", partition);
          const told = acknowledged(outcomes, partition);
          for (const { n, offset } of told) expect(log[offset]).toBe(String(n));
          expectOrder(told.map(({ n }) => n));
          expect(new Set(log).size).toBe(log.length);
        }
        const everything = new Set(
          (await Promise.all(Array.from({ length: planned.partitions }, (_, partition) => cluster.values("t", partition)))).flat(),
        );
        outcomes.forEach((outcome, n) => {
          if (outcome instanceof ProduceError && outcome.outcome === "not-appended") expect(everything).not.toContain(String(n));
        });
      }),
      { numRuns: 150 },
    );
  });
});
