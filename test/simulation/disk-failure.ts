import { DiskError } from "@ottla/host";
import { changesDisk, playLoad } from "./played-load.ts";
import { describe, tryRecovery } from "./recovery.ts";
import type { Finding } from "./verdict.ts";
import { World } from "./world.ts";

/** The later power failure comes at one of so many operations. */
const LATER_OPERATIONS = 30;

export const CODES = ["EIO", "ENOSPC"] as const;
export type FailureCode = (typeof CODES)[number];

/** Plays the load on a disk whose n-th operation fails, once; whatever the node makes of it, the power then goes, and everything
 * acknowledged before or after the failure must be there (S1). What a failed sync had to make durable never becomes so. */
export async function tryDiskFailure(seed: number, n: number, code: FailureCode): Promise<{ findings: Finding[]; acknowledged: number }> {
  const world = World.found(seed);
  let count = 0;
  try {
    const { journal, written, afterFailedSync } = await world.run(
      playLoad(world, seed, null, () => (operation, path) => {
        if (!changesDisk(operation)) return undefined;
        count += 1;
        return count === n ? new DiskError(operation, path, code) : undefined;
      }),
    );
    const findings: Finding[] = afterFailedSync.map((what) => ({ kind: "S1", text: `${what}, although a sync of it had failed` }));
    const moment = journal.tick();
    world.client.crash();
    world.machine.crash({ keep: "none" });
    findings.push(
      ...(await tryRecovery(
        { machine: world.machine.restart(), journal: journal.at(moment), written, moment },
        { againAt: null, thenAt: 1 + (n % LATER_OPERATIONS), keep: "none" },
      )),
    );
    return { findings, acknowledged: journal.acknowledged };
  } catch (error) {
    return { findings: [{ kind: "hangs", text: `after the failure: ${describe(error)}` }], acknowledged: 0 };
  }
}
