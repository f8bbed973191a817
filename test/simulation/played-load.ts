import type { DiskFault, DiskOperation } from "@ottla/host";
import type { Node } from "@ottla/node";
import { seeded } from "../../scripts/support/seeded.ts";
import { Journal } from "./journal.ts";
import { ObservedClient } from "./observed-client.ts";
import { scriptedLoad } from "./scripted-load.ts";
import { tappedDisk } from "./tapped-disk.ts";
import type { World } from "./world.ts";
import { WrittenLog } from "./written-log.ts";

export const SABOTAGES = ["sync-is-a-lie", "answer-before-sync"] as const;
export type Sabotage = (typeof SABOTAGES)[number];

/** What a power failure can come between, and what can fail. */
const changing = new Set<DiskOperation>([
  "write",
  "truncate",
  "sync",
  "makeDirectory",
  "remove",
  "removeDirectory",
  "rename",
  "syncDirectory",
  "store open",
  "store batch",
  "store remove",
  "store rename",
]);

export function changesDisk(operation: DiskOperation): boolean {
  return changing.has(operation);
}

export interface PlayedLoad {
  readonly journal: Journal;
  readonly written: WrittenLog;
  /** Why the node ended before the load did. */
  readonly died: Error | null;
  /** What was done to files after a sync of them had failed. */
  readonly afterFailedSync: readonly string[];
}

/** Plays the load until its end or that of the node. */
export async function playLoad(
  world: World,
  seed: number,
  sabotage: Sabotage | null,
  fault: (journal: Journal) => DiskFault,
): Promise<PlayedLoad> {
  const journal = new Journal();
  const written = new WrittenLog(journal);
  const random = seeded(seed);
  const latency = seeded(seed + 1_000_000);
  const { clock, disk } = world.machine;
  disk.latencyMs = (operation) => (operation.startsWith("sync") ? 0.2 + latency(8) / 10 : operation === "write" ? latency(3) / 20 : 0);
  disk.fault = fault(journal);
  const afterFailedSync: string[] = [];
  const onAfterFailedSync = (operation: string, path: string): void => void afterFailedSync.push(`"${operation}" of ${path}`);
  // Each start is a process of its own: what a sync that failed in a former one means to it, recovery has to know.
  const start = (): Promise<Node> =>
    world.startNode(tappedDisk(disk, { clock, written, answersBeforeSync: sabotage === "answer-before-sync", onAfterFailedSync }));
  let node: Node;
  try {
    node = await start();
  } catch (error) {
    return { journal, written, afterFailedSync, died: error instanceof Error ? error : new Error(String(error)) };
  }
  let died: Error | null = null;
  const ending = new Promise<void>((resolve) => {
    const watch = (watched: Node): void =>
      void watched.closed.then((error) => {
        if (error === null) return;
        died = error;
        resolve();
      });
    watch(node);
    const restartNode = async (): Promise<void> => {
      await node.close();
      node = await start();
      watch(node);
    };
    const failed = (error: unknown): void => {
      died ??= error instanceof Error ? error : new Error(String(error));
      resolve();
    };
    scriptedLoad({ connect: () => new ObservedClient(world.connect(), journal), clock, random, restartNode }).then(resolve, failed);
  });
  await ending;
  return { journal, written, afterFailedSync, died };
}
