import { Command } from "commander";
import { clusterOptions, type GlobalOptions, type Surroundings, withClient } from "../invocation.ts";
import { show } from "../output/show.ts";
import { adviceFor, duplicateAdvice, type Checked, type Told } from "./check-advice.ts";

const DIAL_TIMEOUT_MS = 3_000;

export function clusterCheckCommand(surroundings: Surroundings): Command {
  return new Command("check")
    .description("dial every address that a client here would be told, and say which setting to change")
    .addHelpText("after", "\nRun it where the clients run: an address that works on the node may not work there.")
    .action(async (options: { bootstrap?: string; timeout: string; json: boolean }) => {
      const global = clusterOptions(options, surroundings);
      const checked = await checkAll(global, surroundings.signal);
      await show(surroundings.terminal, global.json, checked, {
        empty: "",
        columns: [{ title: "ADDRESS" }, { title: "WHAT" }, { title: "ANSWER" }, { title: "FIX" }],
        row: ({ address, what, problem, fix }) => [address, what, problem ?? "answers", fix ?? ""],
      });
      const bad = checked.filter(({ problem }) => problem !== null).length;
      if (bad > 0) throw new Error(`${bad} of ${checked.length} addresses do not answer as they should`);
    });
}

async function checkAll(global: GlobalOptions, signal: AbortSignal): Promise<Checked[]> {
  const entries = await Promise.all(global.bootstrap.map((address) => checkEntry(global, address, signal)));
  const first = entries.find(({ problem }) => problem === null);
  if (first === undefined) return entries;
  const told = await withClient({ ...global, bootstrap: [first.address] }, async (ottla): Promise<Told[]> => {
    const { nodes } = await ottla.admin().describeCluster({ signal });
    return nodes
      .filter(({ broker }) => broker)
      .map(({ nodeId, host, port, fenced }) => ({ nodeId, address: host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`, fenced }));
  });
  const brokers = await Promise.all(told.map((one) => checkBroker(global, first.address, one, told, signal)));
  return [...entries, ...brokers];
}

/** Each entry alone: with the others it would be passed over in silence. */
async function checkEntry(global: GlobalOptions, address: string, signal: AbortSignal): Promise<Checked> {
  return await withClient({ ...global, bootstrap: [address] }, async (ottla) => {
    try {
      const { clusterId } = await ottla.admin().describeCluster({ signal, timeoutMs: Math.min(DIAL_TIMEOUT_MS, global.timeoutMs) });
      return { address, what: `bootstrap entry, cluster ${clusterId}`, problem: null, fix: null };
    } catch (error) {
      signal.throwIfAborted();
      const problem = messageOf(error);
      return { address, what: "bootstrap entry", problem, fix: "take it out of --bootstrap (OTTLA_BOOTSTRAP), or start the node there" };
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
      await ottla.admin().describeLogDirs({ nodes: [told.nodeId], signal, timeoutMs: Math.min(DIAL_TIMEOUT_MS, global.timeoutMs) });
      return { address: told.address, what, problem: null, fix: null };
    } catch (error) {
      signal.throwIfAborted();
      const problem = messageOf(error);
      return { address: told.address, what, problem, fix: adviceFor(told, entry) };
    }
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
