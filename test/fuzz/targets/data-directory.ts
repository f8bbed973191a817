import { contentOf, filesOf, readAll, replace, type Served, startNode, stoppedNode, type StoppedNode } from "../stopped-node.ts";
import type { Target } from "../target.ts";

/** Base offset and leader epoch, which the broker writes. */
const assignedBytes = 16;

/** Files without which nothing is promised: a node that cannot read one says so and does not start. */
const mayRefuseToStart = /\/(meta\.properties|controller\/.*|log\/(directory\.id|marks\.slots|states\.journal))$/;

/** Each file of a data directory damaged while the node is down. It starts, or says which file keeps it from starting; once started, it serves what
 * was acknowledged, or says that it is damaged. */
export async function dataDirectoryTargets(): Promise<Target[]> {
  const found: Target[] = [];
  for (const end of ["closed", "killed"] as const) {
    const stopped = await stoppedNode(end);
    const machine = stopped.boot(1);
    for (const path of await filesOf(machine.disk)) {
      const content = await contentOf(machine.disk, path);
      const name = `file-${end}-${path
        .replace("/ottla/", "")
        .replace(/[0-9a-f]{32}/, "topic")
        .replaceAll("/", "-")}`;
      found.push({ name, cost: 100, seeds: async () => [content], check: (bytes) => check(stopped, path, bytes) });
    }
  }
  return found;
}

async function check(stopped: StoppedNode, path: string, bytes: Uint8Array): Promise<boolean> {
  const machine = stopped.boot(1);
  await replace(machine.disk, path, bytes);
  try {
    const node = await machine.clock.run(startNode(machine), 120_000).catch((error: unknown) => refusal(path, error));
    if (node === null) return false;
    verify(stopped, await machine.clock.run(readAll(machine, stopped), 120_000));
    return true;
  } finally {
    machine.crash();
  }
}

function refusal(path: string, error: unknown): null {
  const text = error instanceof Error ? error.message : String(error);
  if (!mayRefuseToStart.test(path) || !text.includes("/ottla")) throw error;
  return null;
}

function verify(stopped: StoppedNode, served: Served): void {
  if (served.committedOffset !== stopped.committedOffset)
    throw new Error(`The group is at ${served.committedOffset}; ${stopped.committedOffset} was committed`);
  for (const [partition, sent] of stopped.acknowledged.entries()) {
    for (const [offset, batch] of sent.entries()) {
      const found = served.partitions[partition]?.[offset];
      if (
        typeof found === "string"
          ? !found.includes("damaged")
          : !found || Buffer.compare(found.subarray(assignedBytes), batch.subarray(assignedBytes)) !== 0
      )
        throw new Error(
          `Partition ${partition} serves at ${offset}: ${typeof found === "string" ? found : "other bytes than were acknowledged"}`,
        );
    }
  }
}
