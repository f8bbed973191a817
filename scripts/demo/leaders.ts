import { setTimeout as delay } from "node:timers/promises";
import type { Admin } from "@ottla/client";

const patienceMs = 30_000;

/** The partition that holds most, and who leads it. */
export async function busiestPartition(admin: Admin, topic: string): Promise<{ partition: number; leader: number }> {
  const [described] = await admin.describeTopics([topic]);
  const partitions = described?.partitions ?? [];
  const ends = await admin.listOffsets(partitions.map(({ partition }) => ({ topic, partition, at: "latest" as const })));
  const [first] = ends.toSorted((a, b) => b.offset - a.offset);
  const busiest = partitions.find(({ partition }) => partition === first?.partition);
  if (!busiest || busiest.leader < 0) throw new Error(`No partition of ${topic} has a leader`);
  return busiest;
}

/** Resolves once another node leads the partition. */
export async function leaderElsewhere(admin: Admin, topic: string, partition: number, before: number): Promise<number> {
  const deadlineMs = performance.now() + patienceMs;
  for (;;) {
    const [described] = await admin.describeTopics([topic]).catch(() => []);
    const leader = described?.partitions[partition]?.leader ?? -1;
    if (leader >= 0 && leader !== before) return leader;
    if (performance.now() > deadlineMs)
      throw new Error(`Nobody leads ${topic}/${partition} ${patienceMs / 1000} s after node ${before} was killed`);
    await delay(5);
  }
}
