import type { Keep, MemoryHost } from "@ottla/host";
import type { Node } from "@ottla/node";
import type { Journal } from "./journal.ts";
import { ObservedClient } from "./observed-client.ts";
import { changesDisk } from "./played-load.ts";
import { renewedLoad } from "./scripted-load.ts";
import { readServed, type ServedPartition } from "./served.ts";
import { tappedDisk } from "./tapped-disk.ts";
import { type Finding, verdict } from "./verdict.ts";
import { World } from "./world.ts";
import { WrittenLog } from "./written-log.ts";

export interface Survivor {
  /** Its disk after the power failure. */
  readonly machine: MemoryHost;
  /** What the clients knew when the power went. */
  readonly journal: Journal;
  readonly written: WrittenLog;
  readonly moment: number;
}

export interface Trial {
  /** The power goes again at this operation of the recovery; null: it does not. */
  readonly againAt: number | null;
  /** Of what the later power failures leave. */
  readonly keep: Keep;
}

/** Starts the node on what is left, looks at everything it serves, gives it new work, takes the power away again, and looks once more.
 * @returns what is wrong */
export async function tryRecovery(survivor: Survivor, { againAt, keep }: Trial): Promise<Finding[]> {
  let { machine } = survivor;
  const { journal } = survivor;
  let { written, moment } = survivor;
  try {
    if (againAt !== null) machine = await interruptedStart(machine, againAt, keep);
    for (const generation of ["first", "second"]) {
      const world = new World(machine);
      const own = new WrittenLog(journal, { log: written, moment });
      const tapped = tappedDisk(machine.disk, {
        clock: machine.clock,
        written: own,
        answersBeforeSync: false,
        onAfterFailedSync: () => {},
      });
      const node = await world.run(world.startNode(tapped));
      let died: Error | null = null;
      void node.closed.then((error) => (died = error));
      const client = new ObservedClient(world.connect(), journal);
      const { served, configs } = await world.run(inspect(world, client));
      const findings = verdict({ journal, served, configs, written, moment });
      if (findings.length > 0) return findings.map(({ kind, text }) => ({ kind, text: `${generation} recovery: ${text}` }));
      remember(journal, served, generation);
      if (generation === "second") break;
      await world.run(renewedLoad(client, generation, partitionCounts(served)));
      const refused = journal.sends.find((send) => send.producer === `renewed-${generation}` && send.outcome !== "ok");
      if (refused) return [{ kind: "no service", text: `${refused.value} was not acknowledged by the recovered node` }];
      if (died !== null) return [{ kind: "died", text: `The recovered node ended: ${describe(died)}` }];
      written = own;
      moment = journal.tick();
      machine.crash({ keep });
      machine = machine.restart();
    }
    return [];
  } catch (error) {
    return [{ kind: "no recovery", text: describe(error) }];
  }
}

/** Everything that can be asked of the node. */
async function inspect(world: World, client: ObservedClient): Promise<{ served: ServedPartition[]; configs: Map<string, Set<string>> }> {
  const served = await readServed(world, client.ottla);
  const topics = [...partitionCounts(served).keys()];
  const described = topics.length === 0 ? [] : await client.ottla.admin().describeConfigs(topics.map((topic) => ({ topic })));
  const configs = new Map(
    described.map(({ configs }, at) => [topics[at]!, new Set(configs.map(({ name, value }) => `${name}=${value ?? ""}`))]),
  );
  if (topics.includes("orders")) for (const partition of [0, 1]) await client.fetchCommitted("orders", partition);
  return { served, configs };
}

function remember(journal: Journal, served: readonly ServedPartition[], reader: string): void {
  for (const { topic, partition, startOffset, records } of served) {
    journal.change({ kind: "observe start", topic, partition })("ok", startOffset);
    const number = journal.partitionNumber(topic, partition);
    for (const { offset, value } of records) journal.read({ reader, assignment: 1, partition: number, offset, value });
  }
}

function partitionCounts(served: readonly ServedPartition[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { topic } of served) counts.set(topic, (counts.get(topic) ?? 0) + 1);
  return counts;
}

/** Starts the node and cuts the power at the given operation of its recovery; a recovery of fewer operations ends first. */
async function interruptedStart(machine: MemoryHost, againAt: number, keep: Keep): Promise<MemoryHost> {
  const world = new World(machine);
  let count = 0;
  machine.disk.keepAtFault = keep;
  machine.disk.fault = (operation) => {
    if (!changesDisk(operation)) return undefined;
    count += 1;
    return count === againAt ? "crash" : undefined;
  };
  let over = false;
  const start: Promise<Node> = world.startNode();
  start.then(
    () => (over = true),
    () => (over = true),
  );
  await world.client.clock.runUntil(() => over || machine.crashed, 60_000);
  if (!machine.crashed) await start;
  return machine.restart();
}

export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}; because ${describe(error.cause)}`;
}
