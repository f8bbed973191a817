import type { DiskOperation, MachineImage } from "@ottla/host";
import type { Journal } from "./journal.ts";
import { changesDisk, playLoad, type Sabotage } from "./played-load.ts";
import { World } from "./world.ts";
import type { WrittenLog } from "./written-log.ts";

/** The moment in the middle of one disk operation: its effect is in the page cache, nothing of it is durable yet. */
export interface CutPoint {
  readonly n: number;
  readonly operation: DiskOperation;
  readonly path: string;
  readonly moment: number;
  readonly image: MachineImage;
}

export interface RecordedLoad {
  readonly journal: Journal;
  readonly written: WrittenLog;
  readonly cutPoints: readonly CutPoint[];
}

/** Plays the scripted load once and keeps what the disk held in the middle of every operation: a power failure at any of them can
 * then be tried as often as wanted, without playing the load again. */
export async function recordLoad(seed: number, sabotage: Sabotage | null): Promise<RecordedLoad> {
  const world = World.found(seed);
  const cutPoints: CutPoint[] = [];
  const { disk } = world.machine;
  disk.syncIsALie = sabotage === "sync-is-a-lie";
  const play = playLoad(world, seed, sabotage, (journal) => {
    let at: Omit<CutPoint, "image"> | null = null;
    disk.onPowerCut = () => {
      if (at !== null) cutPoints.push({ ...at, image: world.machine.image() });
    };
    return (operation, path) => {
      if (!changesDisk(operation)) return undefined;
      at = { n: cutPoints.length + 1, operation, path, moment: journal.tick() };
      return "crash";
    };
  });
  const { journal, written, died } = await world.run(play);
  if (died !== null) throw new Error(`The node ended during the load of seed ${seed}, although nothing failed`, { cause: died });
  const deleted = new Set(
    journal.changes.filter(({ kind }) => kind === "delete topic").map(({ topic }) => journal.partitionNumber(topic, 0)),
  );
  const unanswered = journal.sends.find(({ outcome, partition }) => outcome !== "ok" && !deleted.has(partition));
  const undone = journal.changes.find(({ outcome }) => outcome !== "ok");
  if (unanswered)
    throw new Error(
      `The load of seed ${seed} lost a send, although nothing failed: ${unanswered.value} to ${journal.partitionName(unanswered.partition)}`,
    );
  if (undone) throw new Error(`The load of seed ${seed} was refused "${undone.kind}" of ${undone.topic}, although nothing failed`);
  return { journal, written, cutPoints };
}
