import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { batches } from "@ottla/protocol";
import type { Drain, Dump } from "@ottla/simulator";

/** What the replicas of one topic hold, read from the files of nodes that have been stopped.
 * @param topicId 32 hex digits, which name the directories of its partitions */
export async function dumpReplicas(dataDirs: readonly string[], topicId: string, drains: readonly Drain[]): Promise<Dump[]> {
  const dumps: Dump[] = [];
  for (const dataDir of dataDirs)
    for (const { partition, endOffset } of drains) {
      const directory = join(dataDir, "log", `${topicId}-${partition}`);
      const files = (await readdir(directory).catch(() => [])).filter((name) => name.endsWith(".log")).toSorted();
      if (files.length === 0) continue;
      const held: { baseOffset: number; lastOffset: number; hash: string }[] = [];
      for (const file of files)
        for (const { header } of batches(await readFile(join(directory, file))))
          held.push({ baseOffset: header.baseOffset, lastOffset: header.lastOffset, hash: `${header.leaderEpoch}/${header.crc}` });
      // All replicas were in sync before the end: each had reached the end that the drain saw.
      dumps.push({ node: dataDir, partition, highWatermark: endOffset, batches: held });
    }
  return dumps;
}
