import { expect, test } from "vitest";
import { Rig } from "./rig.test.kit.ts";
import { append, durable, expectRecovered, Model, openStage, play } from "./script.test.kit.ts";

async function operationsOf(seed: number): Promise<number> {
  const rig = new Rig(seed);
  await play(rig, new Model());
  expect(rig.fatal).toEqual([]);
  return rig.disk.count();
}

/** Cuts the power in the middle of the n-th operation and looks at what the next life finds; with `again` also in the n-th operation of
 * that life's recovery. */
async function cutAt(
  n: number,
  options: { seed: number; keep: "none" | "all" | "random"; again?: number; syncIsALie?: boolean },
): Promise<void> {
  const rig = new Rig(options.seed);
  const model = new Model();
  rig.disk.keepAtFault = options.keep;
  rig.disk.syncIsALie = options.syncIsALie ?? false;
  rig.disk.fault = (_operation, _path, at) => (at === n ? "crash" : undefined);
  const failed = await play(rig, model).then(
    () => null,
    (error: unknown) => error,
  );
  // An operation that fails by itself, such as the opening of a file that is not there, is no place for a cut.
  if (!rig.host.crashed) expect(failed).toBe(null);
  rig.restart();
  if (options.again !== undefined) {
    const { again } = options;
    rig.disk.keepAtFault = options.keep;
    rig.disk.fault = (_operation, _path, at) => (at === again ? "crash" : undefined);
    await openStage(rig, model).catch(() => undefined);
    rig.restart(options.keep);
  }
  const stage = await openStage(rig, model);
  await expectRecovered(stage);
  model.batches = model.batches.filter((batch) => batch.nextOffset <= stage.log.endOffset);
  if (model.batches.length === 0) model.startAsked = model.startTold = stage.log.startOffset;
  model.epochTold = null;
  append(stage, "after", 2, 9);
  await durable(stage);
  await expectRecovered(stage);
}

test.each(["none", "all", "random"] as const)(
  "nothing durable is lost when the power fails at any operation (%s of the unsynced is kept)",
  async (keep) => {
    const operations = await operationsOf(1);
    for (let n = 1; n <= operations; n++) {
      for (const seed of keep === "random" ? [n, n + 10_000, n + 20_000] : [n]) {
        await cutAt(n, { seed, keep }).catch((error: unknown) => {
          throw new Error(`operation ${n} of ${operations}, seed ${seed}, ${keep} kept`, { cause: error });
        });
      }
    }
  },
);

test("nothing durable is lost when the power fails again during recovery", async () => {
  const operations = await operationsOf(1);
  for (let n = 5; n <= operations; n++) {
    const again = 2 + ((n * 7) % 40);
    await cutAt(n, { seed: n, keep: "random", again }).catch((error: unknown) => {
      throw new Error(`operation ${n} of ${operations}, then ${again}`, { cause: error });
    });
  }
});

test("the same cuts find losses when syncs do nothing", async () => {
  const operations = await operationsOf(1);
  let found = 0;
  for (let n = 10; n <= operations; n += 10) await cutAt(n, { seed: n, keep: "none", syncIsALie: true }).catch(() => found++);
  expect(found).toBeGreaterThan(operations / 20);
});
