import { Command } from "commander";
import { clusterOptions, type GlobalOptions, type Surroundings, withClient } from "../invocation.ts";
import { show } from "../output/show.ts";
import { adviceFor, duplicateAdvice, entryAdvice, type Checked, type Told } from "./check-advice.ts";
import { checkDoor, messageOf } from "./check-doors.ts";
import { checkKafka } from "./check-kafka.ts";

const DIAL_TIMEOUT_MS = 3_000;

interface Options {
  bootstrap?: string;
  timeout: string;
  json: boolean;
  allDoors: boolean;
}

interface Entry extends Checked {
  /** Null when it did not say. */
  readonly clusterId: string | null;
}

export function clusterCheckCommand(surroundings: Surroundings): Command {
  return new Command("check")
    .description("dial every address that a client here would be told, Kafka's clients included, and say which setting to change")
    .option("--all-doors", "also the doors for other nodes, for health and metrics: run that on the machine of a node", false)
    .addHelpText("after", "\nRun it where the clients run: an address that works on the node may not work there.")
    .action(async (options: Options) => {
      const global = clusterOptions(options, surroundings);
      const checked = await checkAll(global, options.allDoors, surroundings.signal);
      await show(surroundings.terminal, global.json, checked, {
        empty: "",
        columns: [{ title: "ADDRESS" }, { title: "WHAT" }, { title: "ANSWER" }, { title: "FIX" }],
        row: ({ address, what, problem, fix }) => [address, what, problem ?? "answers", fix ?? ""],
      });
      const bad = checked.filter(({ problem }) => problem !== null).length;
      if (bad > 0) throw new Error(`${bad} of ${checked.length} addresses do not answer as they should`);
    });
}

async function checkAll(given: GlobalOptions, allDoors: boolean, signal: AbortSignal): Promise<Checked[]> {
  const global = { ...given, timeoutMs: Math.min(DIAL_TIMEOUT_MS, given.timeoutMs) };
  const entries = ofOneCluster(await Promise.all(global.bootstrap.map((address) => checkEntry(global, address, signal))));
  const first = entries.find(({ problem }) => problem === null);
  if (first === undefined) return entries;
  const told = await withClient({ ...global, bootstrap: [first.address] }, async (ottla): Promise<Told[]> => {
    const { nodes } = await ottla.admin().describeCluster({ signal });
    return nodes
      .filter(({ broker }) => broker)
      .map(({ fenced, nodeId, endpoints, ...client }) => ({
        nodeId,
        address: shown(client),
        fenced,
        doors: endpoints.map((door) => ({ listener: door.listener, address: shown(door) })),
      }));
  });
  const brokers = await Promise.all(told.map((one) => checkBroker(global, first.address, one, told, signal)));
  const kafka = await checkKafka(told, first.address, global.timeoutMs, signal);
  const doors = told
    .filter(({ fenced }) => allDoors && !fenced)
    .flatMap((one) => one.doors.map((door) => checkDoor(global, one.nodeId, door, first.address, signal)));
  return [...entries, ...brokers, ...kafka, ...(await Promise.all(doors)).filter((each) => each !== null)];
}

function shown({ host, port }: { host: string; port: number }): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A client works with whichever entry answers first: a list that names two clusters works with one of them today and the other tomorrow. */
function ofOneCluster(entries: readonly Entry[]): Checked[] {
  const first = entries.find(({ clusterId }) => clusterId !== null);
  return entries.map(({ clusterId, ...entry }) => {
    if (first === undefined || clusterId === null || clusterId === first.clusterId) return entry;
    const problem = `another cluster than ${first.address}, which belongs to ${first.clusterId}`;
    return { ...entry, problem, fix: "name the addresses of one cluster only in --bootstrap (OTTLA_BOOTSTRAP)" };
  });
}

/** Each entry alone: with the others it would be passed over in silence. */
async function checkEntry(global: GlobalOptions, address: string, signal: AbortSignal): Promise<Entry> {
  return await withClient({ ...global, bootstrap: [address] }, async (ottla) => {
    try {
      const { clusterId } = await ottla.admin().describeCluster({ signal });
      return { clusterId, address, what: `bootstrap entry, cluster ${clusterId}`, problem: null, fix: null };
    } catch (error) {
      signal.throwIfAborted();
      return { clusterId: null, address, what: "bootstrap entry", problem: messageOf(error), fix: entryAdvice(error) };
    }
  });
}

async function checkBroker(global: GlobalOptions, entry: string, told: Told, all: readonly Told[], signal: AbortSignal): Promise<Checked> {
  const what = `broker ${told.nodeId}${told.fenced ? ", fenced" : ""}`;
  const twice = duplicateAdvice(told, all);
  if (twice !== null) return { address: told.address, what, ...twice };
  if (told.fenced)
    return { address: told.address, what, problem: "it is not running, or cut off from the controllers", fix: `start node ${told.nodeId}` };
  return await withClient({ ...global, bootstrap: [entry] }, async (ottla) => {
    try {
      await ottla.admin().describeLogDirs({ nodes: [told.nodeId], signal });
      return { address: told.address, what, problem: null, fix: null };
    } catch (error) {
      signal.throwIfAborted();
      const problem = messageOf(error);
      return { address: told.address, what, problem, fix: adviceFor(told, entry) };
    }
  });
}
