import type { BatchHeader } from "@ottla/protocol";
import { memoryHost } from "@ottla/host";
import { ProtocolError } from "@ottla/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { batchOf, openRig, type Rig, valuesOf } from "./partition.test.kit.ts";
import { decodeProducerSnapshot, encodeProducerSnapshot } from "./producer-snapshot.ts";
import { Producers } from "./producers.ts";

const LARGEST = 2_147_483_647;

type Outcome = number | string;

/** Sends a batch and says how it ended: its offset, or the name of the error. */
function send(rig: Rig, batch: { producerId: number; epoch?: number; sequence: number; count?: number }): Outcome {
  try {
    return rig.partition.produce(batchOf(rig.host, batch), -1, 60_000, rig.host.clock.wallMs()).baseOffset;
  } catch (error) {
    if (error instanceof ProtocolError) return error.error;
    throw error;
  }
}

describe("idempotence", () => {
  test("a resend of any of the last five batches gets the original offset, an older one is out of order", async () => {
    const rig = await openRig();
    for (let i = 0; i < 6; i++) expect(send(rig, { producerId: 1, sequence: 2 * i, count: 2 })).toBe(2 * i);
    for (let i = 1; i < 6; i++) expect(send(rig, { producerId: 1, sequence: 2 * i, count: 2 })).toBe(2 * i);
    expect(send(rig, { producerId: 1, sequence: 0, count: 2 })).toBe("OUT_OF_ORDER_SEQUENCE_NUMBER");
    expect(rig.partition.log.endOffset).toBe(12);
  });

  test("a resend waits for the high watermark like the original", async () => {
    const rig = await openRig();
    const now = rig.host.clock.wallMs();
    const original = rig.partition.produce(batchOf(rig.host, { producerId: 1, sequence: 0 }), -1, 1000, now);
    const resend = rig.partition.produce(batchOf(rig.host, { producerId: 1, sequence: 0 }), -1, 1000, now);
    let answered = false;
    void resend.acknowledged.then(() => (answered = true));
    await Promise.resolve();
    expect(answered).toBe(false);
    expect(await rig.run(Promise.all([original.acknowledged, resend.acknowledged]))).toEqual([null, null]);
    expect(rig.partition.highWatermark).toBe(1);
  });

  test.each<[what: string, steps: [batch: { producerId: number; epoch?: number; sequence: number; count?: number }, outcome: Outcome][]]>([
    [
      "a gap is refused",
      [
        [{ producerId: 1, sequence: 0 }, 0],
        [{ producerId: 1, sequence: 2 }, "OUT_OF_ORDER_SEQUENCE_NUMBER"],
        [{ producerId: 1, sequence: 1 }, 1],
      ],
    ],
    [
      "a resend of another length is refused",
      [
        [{ producerId: 1, sequence: 0, count: 2 }, 0],
        [{ producerId: 1, sequence: 0, count: 3 }, "OUT_OF_ORDER_SEQUENCE_NUMBER"],
      ],
    ],
    [
      "an older epoch is refused",
      [
        [{ producerId: 1, epoch: 1, sequence: 0 }, 0],
        [{ producerId: 1, epoch: 0, sequence: 1 }, "INVALID_PRODUCER_EPOCH"],
      ],
    ],
    [
      "a new epoch begins at 0",
      [
        [{ producerId: 1, sequence: 0 }, 0],
        [{ producerId: 1, epoch: 1, sequence: 1 }, "OUT_OF_ORDER_SEQUENCE_NUMBER"],
        [{ producerId: 1, epoch: 1, sequence: 0 }, 1],
      ],
    ],
    [
      "an unknown producer begins anywhere, but at 0 in an empty partition",
      [
        [{ producerId: 1, sequence: 7 }, "OUT_OF_ORDER_SEQUENCE_NUMBER"],
        [{ producerId: 1, sequence: 0 }, 0],
        [{ producerId: 2, sequence: 7 }, 1],
        [{ producerId: 2, sequence: 9 }, "OUT_OF_ORDER_SEQUENCE_NUMBER"],
      ],
    ],
    [
      "after the largest sequence comes 0",
      [
        [{ producerId: 9, sequence: 0 }, 0],
        [{ producerId: 1, sequence: LARGEST }, 1],
        [{ producerId: 1, sequence: 0 }, 2],
        [{ producerId: 1, sequence: LARGEST }, 1],
      ],
    ],
    [
      "a batch may straddle the largest sequence",
      [
        [{ producerId: 9, sequence: 0 }, 0],
        [{ producerId: 1, sequence: LARGEST - 1, count: 4 }, 1],
        [{ producerId: 1, sequence: 2 }, 5],
        [{ producerId: 1, sequence: LARGEST - 1, count: 4 }, 1],
      ],
    ],
  ])("%s", async (_what, steps) => {
    const rig = await openRig();
    for (const [batch, outcome] of steps) expect(send(rig, batch)).toBe(outcome);
  });

  test.each(["a clean stop", "a power failure"])("after %s resends are still recognised and gaps still refused", async (end) => {
    const host = memoryHost();
    const rig = await openRig(host);
    for (let i = 0; i < 40; i++)
      await rig.run(rig.partition.produce(batchOf(host, { producerId: 1, sequence: i }), -1, 1000, host.clock.wallMs()).acknowledged);
    if (end === "a clean stop") await rig.close();
    const again = await openRig(host.restart());
    for (let i = 35; i < 40; i++) expect(send(again, { producerId: 1, sequence: i })).toBe(i);
    expect(send(again, { producerId: 1, sequence: 34 })).toBe("OUT_OF_ORDER_SEQUENCE_NUMBER");
    expect(send(again, { producerId: 1, sequence: 41 })).toBe("OUT_OF_ORDER_SEQUENCE_NUMBER");
    expect(send(again, { producerId: 1, sequence: 40 })).toBe(40);
  });

  test("a snapshot that tells of batches which a power failure took is forgotten for good", async () => {
    const host = memoryHost();
    const os = { overrides: { "flush.policy": "os" } };
    const rig = await openRig(host, os);
    for (let i = 0; i < 40; i++) send(rig, { producerId: 1, sequence: i });
    await rig.run(rig.partition.settle());
    const after = await openRig(host.restart(), os);
    const kept = after.partition.log.endOffset;
    expect(kept).toBeLessThan(40);
    for (let i = 0; i < 40; i++) expect(send(after, { producerId: 2, sequence: i })).toBe(kept + i);
    await after.close();
    const last = await openRig(after.host.restart(), os);
    expect(send(last, { producerId: 2, sequence: 39 })).toBe(kept + 39);
    expect(send(last, { producerId: 1, sequence: 39 })).toBe(kept === 0 ? 40 : "OUT_OF_ORDER_SEQUENCE_NUMBER");
  });

  test("a damaged snapshot is not used: the log itself tells", async () => {
    const host = memoryHost();
    const rig = await openRig(host);
    for (let i = 0; i < 40; i++)
      await rig.run(rig.partition.produce(batchOf(host, { producerId: 1, sequence: i }), -1, 1000, host.clock.wallMs()).acknowledged);
    await rig.close();
    const { directory } = rig.partition.log;
    const name = (await rig.run(host.disk.list(directory))).find((each) => each.endsWith(".snapshot"));
    const file = await rig.run(host.disk.open(`${directory}/${name}`, "write"));
    await rig.run(file.write([new Uint8Array([0xff])], 30));
    await rig.run(file.sync());
    await rig.run(file.close());
    const again = await openRig(host.restart());
    expect(send(again, { producerId: 1, sequence: 39 })).toBe(39);
    expect(send(again, { producerId: 1, sequence: 40 })).toBe(40);
  });

  test("a producer silent for producer.id.expiration.ms is forgotten, one that is not is kept", async () => {
    const rig = await openRig(memoryHost(), { config: { producerIdExpirationMs: 1000 } });
    expect(send(rig, { producerId: 1, sequence: 0 })).toBe(0);
    await rig.host.clock.advance(600);
    expect(send(rig, { producerId: 2, sequence: 0 })).toBe(1);
    await rig.host.clock.advance(600);
    await rig.run(rig.partition.applyRetention(rig.host.clock.wallMs()));
    expect(send(rig, { producerId: 2, sequence: 5 })).toBe("OUT_OF_ORDER_SEQUENCE_NUMBER");
    expect(send(rig, { producerId: 1, sequence: 5 })).toBe(2);
  });

  test("of more producers than may be remembered the one silent longest gives way", () => {
    const producers = new Producers(2);
    const header = (producerId: number, sequence: number) =>
      ({
        producerId,
        producerEpoch: 0,
        baseSequence: sequence,
        lastSequence: sequence,
        lastOffsetDelta: 0,
        isControl: false,
      }) as BatchHeader;
    producers.record(header(1, 0), 0, 0, -1);
    producers.record(header(2, 0), 1, 1, -1);
    producers.record(header(1, 1), 2, 2, -1);
    producers.record(header(3, 0), 3, 3, -1);
    expect([...producers.entries()].map(([id]) => id)).toEqual([1, 3]);
  });
});

test("random streams of batches, resends and gaps are judged as by a plain twin, also across restarts (P17)", async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("next" as const), producer: fc.nat(2), count: fc.integer({ min: 1, max: 3 }) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("resend" as const), producer: fc.nat(2), back: fc.nat(7) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("gap" as const), producer: fc.nat(2), by: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("epoch" as const), producer: fc.nat(2) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("restart" as const, "crash" as const) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      let rig = await openRig(memoryHost());
      const log: { producer: number; epoch: number; sequence: number; count: number; offset: number }[] = [];
      const twins = [0, 1, 2].map(() => ({ epoch: 0, next: 0, known: false, since: 0 }));
      let end = 0;
      for (const each of steps) {
        if (!("producer" in each)) {
          // Only what was acknowledged has to survive.
          await rig.host.clock.advance(100);
          if (each.kind === "restart") await rig.close();
          rig = await openRig(rig.host.restart());
          continue;
        }
        const twin = twins[each.producer] ?? { epoch: 0, next: 0, known: false, since: 0 };
        const own = log.filter(({ producer, epoch }) => producer === each.producer && epoch === twin.epoch);
        if (each.kind === "resend") {
          const original = own.at(-1 - each.back);
          if (original === undefined) continue;
          expect(send(rig, { producerId: each.producer, epoch: twin.epoch, sequence: original.sequence, count: original.count })).toBe(
            each.back < 5 ? original.offset : "OUT_OF_ORDER_SEQUENCE_NUMBER",
          );
          continue;
        }
        if (each.kind === "epoch") {
          twin.epoch++;
          twin.next = 0;
        }
        const sequence = each.kind === "gap" ? twin.next + each.by : twin.next;
        const count = each.kind === "next" ? each.count : 1;
        // Without state a producer may begin anywhere, unless nothing was ever written.
        const accepted = each.kind !== "gap" || (!twin.known && end > 0);
        expect(send(rig, { producerId: each.producer, epoch: twin.epoch, sequence, count })).toBe(
          accepted ? end : "OUT_OF_ORDER_SEQUENCE_NUMBER",
        );
        if (!accepted) continue;
        log.push({ producer: each.producer, epoch: twin.epoch, sequence, count, offset: end });
        Object.assign(twin, { next: sequence + count, known: true });
        end += count;
      }
      await rig.host.clock.advance(100);
      expect((await valuesOf(rig)).map(({ offset }) => offset)).toEqual(Array.from({ length: end }, (_, i) => i));
    }),
    { numRuns: 60 },
  );
});

test("a snapshot gives back what was written into it, and no flipped bit passes", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          id: fc.maxSafeNat(),
          epoch: fc.nat(32_767),
          activeMs: fc.maxSafeNat(),
          sequences: fc.array(fc.nat(1000), { minLength: 1, maxLength: 5 }),
        }),
        { maxLength: 5 },
      ),
      fc.maxSafeNat(),
      fc.nat(),
      (producers, offset, flip) => {
        const written = new Producers(10);
        for (const { id, epoch, activeMs, sequences } of producers) {
          const batches = sequences.map((baseSequence, i) => ({
            baseSequence,
            lastSequence: baseSequence + i,
            baseOffset: 10 * i,
            lastOffset: 11 * i,
            appendTimeMs: i % 2 === 0 ? -1 : activeMs,
          }));
          written.restore(id, { epoch, lastActiveMs: activeMs, batches });
        }
        const bytes = encodeProducerSnapshot(offset, written);
        const read = decodeProducerSnapshot(bytes, 10);
        expect(read.offset).toBe(offset);
        expect([...read.producers.entries()]).toEqual([...written.entries()]);
        const bit = flip % (bytes.length * 8);
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(() => decodeProducerSnapshot(bytes, 10)).toThrow();
        expect(() => decodeProducerSnapshot(bytes.subarray(0, flip % bytes.length), 10)).toThrow();
      },
    ),
  );
});
