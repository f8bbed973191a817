import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FakeCluster } from "../testing/fake-cluster.test.kit.ts";
import type { Fault } from "../testing/fake-broker.test.kit.ts";

const faults: fc.Arbitrary<Fault | undefined> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("break" as const), appended: fc.boolean(), stale: fc.nat(4), lingersMs: fc.constantFrom(0, 0, 3) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("error" as const), error: fc.constantFrom("NOT_ENOUGH_REPLICAS" as const, "REQUEST_TIMED_OUT" as const, "KAFKA_STORAGE_ERROR" as const), appended: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("slow" as const), ms: fc.integer({ min: 1, max: 3000 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "silent" as const }) },
);

const script = fc.record({
  seed: fc.integer(),
  faults: fc.array(faults, { maxLength: 30 }),
  moves: fc.array(fc.nat(40), { maxLength: 3 }),
  compression: fc.constantFrom("none" as const, "gzip" as const),
  batchBytes: fc.constantFrom(100, 400, 4000),
  partitions: fc.integer({ min: 1, max: 3 }),
});

describe("whatever happens to streams, answers and leaders", () => {
  test("an idempotent producer gets each record into the log once and in order", async () => {
    await fc.assert(
      fc.asyncProperty(script, async ({ seed, faults: planned, moves, compression, batchBytes, partitions }) => {
        const t0 = performance.now(); const dbg = { planned, moves, compression, batchBytes, partitions, seed };
        await using cluster = await FakeCluster.start({ brokers: 2, seed });
        cluster.addTopic("t", partitions);
        let count = 0;
        cluster.onProduce = () => {
          const index = count++;
          if (moves.includes(index)) cluster.move(cluster.partition("t", index % partitions), 1 + (index % 2));
          return planned[index];
        };
        const producer = cluster.client({ requestTimeoutMs: 2_000 }).producer({ compression, batchBytes, lingerMs: 1 });
        const sends = Array.from({ length: 120 }, async (_, n) => {
          const partition = n % partitions;
          if (n % 30 === 29) await new Promise<void>((resolve) => cluster.clock.after(n, resolve));
          return await producer.send("t", { value: String(n), partition });
        });
        const rr = cluster.run(Promise.all(sends), 3_600_000); const results = await rr.finally(() => { if (performance.now()-t0 > 500) console.log(performance.now() - t0, cluster.clock.monotonicMs(), count, JSON.stringify(dbg)); });
        void (async () => {});
        // await cluster.run(Promise.all(sends), 3_600_000);
        for (let index = 0; index < partitions; index++) {
          const expected = results.flatMap((result, n) => (result.partition === index ? { n, offset: result.offset } : [])).toSorted((one, other) => one.offset - other.offset);
          expect(await cluster.values("t", index)).toEqual(expected.map(({ n }) => String(n)));
          expect(expected.map(({ offset }) => offset)).toEqual(expected.map((_, offset) => offset));
          const atOnce = expected.map(({ n }) => n).filter((n) => n % 30 !== 29);
          expect(atOnce).toEqual(atOnce.toSorted((one, other) => one - other));
        }
      }),
      { numRuns: 12 },
    );
  });
});
