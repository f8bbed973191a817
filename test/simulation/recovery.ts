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

export interface Recovery {
  /** The power goes again at this operation of the recovery; null: it does not. */
  readonly againAt: number | null;
  /** And at this operation of the new load after it. */
  readonly thenAt: number;
  /** Of what these later power failures leave. */
  readonly keep: Keep;
}

/** Starts the node on what is left and looks at everything it serves; gives it new work, in the midst of which the power goes once more;
 * starts it again, and once the client, which has lived through that, has all its answers, looks at everything again.
 * @returns what is wrong */
export async function tryRecovery(survivor: Survivor, { againAt, thenAt, keep }: Recovery): Promise<Finding[]> {
  const { journal } = survivor;
  try {
    const machine = againAt === null ? survivor.machine : await interruptedStart(survivor.machine, againAt, keep);
    const first = await recoveredNode(machine, survivor);
    const client = new ObservedClient(first.world.connect(), journal);
    const { served, findings } = await lookedAt(first, client, survivor.written, survivor.moment);
    if (findings.length > 0) return findings.map(({ kind, text }) => ({ kind, text: `first recovery: ${text}` }));
    remember(journal, served, "first");
    const topics = partitionCounts(served);
    if (topics.size === 0) {
      await first.world.run(client.createTopic("after", 1, {}));
      topics.set("after", 1);
    }
    let answered = false;
    const load = renewedLoad(client, "first", topics).finally(() => (answered = true));
    cutAt(machine, thenAt, keep);
    await first.world.client.clock.runUntil(() => answered || machine.crashed, 120_000);
    if (!machine.crashed && first.died !== null) return [{ kind: "died", text: `The recovered node ended: ${describe(first.died)}` }];
    machine.crash({ keep });
    const second = await recoveredNode(machine.restart(), { journal, written: first.written, moment: journal.tick() });
    await second.world.run(load);
    const refused = journal.sends.find(({ producer, outcome }) => producer === "renewed-first" && outcome !== "ok");
    if (refused)
      return [{ kind: "no service", text: `${refused.value} to ${journal.partitionName(refused.partition)} was not acknowledged` }];
    const again = await lookedAt(second, new ObservedClient(second.world.connect(), journal), second.written, journal.tick());
    return again.findings.map(({ kind, text }) => ({ kind, text: `second recovery: ${text}` }));
  } catch (error) {
    return [{ kind: "no recovery", text: describe(error) }];
  }
}

interface RecoveredNode {
  readonly world: World;
  /** What it has written, and what its former lives had. */
  readonly written: WrittenLog;
  died: Error | null;
  readonly journal: Journal;
}

async function recoveredNode(machine: MemoryHost, { journal, written, moment }: Omit<Survivor, "machine">): Promise<RecoveredNode> {
  const world = new World(machine);
  const own = new WrittenLog(journal, { log: written, moment });
  const tapped = tappedDisk(machine.disk, {
    clock: machine.clock,
    written: own,
    answersBeforeSync: false,
    onAfterFailedSync: () => {},
  });
  const node = await world.run(world.startNode(tapped));
  const recovered: RecoveredNode = { world, written: own, died: null, journal };
  void node.closed.then((error) => (recovered.died = error));
  return recovered;
}

async function lookedAt(
  { world, journal }: RecoveredNode,
  client: ObservedClient,
  written: WrittenLog,
  moment: number,
): Promise<{ served: ServedPartition[]; findings: Finding[] }> {
  const { served, configs } = await world.run(inspect(world, client));
  return { served, findings: verdict({ journal, served, configs, written, moment }) };
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
  cutAt(machine, againAt, keep);
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

/** Cuts the power in the middle of the n-th operation from now that changes the disk. */
function cutAt({ disk }: MemoryHost, n: number, keep: Keep): void {
  let count = 0;
  disk.keepAtFault = keep;
  disk.fault = (operation) => {
    if (!changesDisk(operation)) return undefined;
    count += 1;
    return count === n ? "crash" : undefined;
  };
}

export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}; because ${describe(error.cause)}`;
}
