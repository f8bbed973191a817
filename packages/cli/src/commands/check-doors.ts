import { type GlobalOptions, withClient } from "../invocation.ts";
import { type Checked, type Door, isLoopback } from "./check-advice.ts";

/** Dials a door that is not for clients. Null: it is none of those, or only for its own machine, which is not this one. */
export async function checkDoor(
  global: GlobalOptions,
  nodeId: number,
  { listener, address }: Door,
  entry: string,
  signal: AbortSignal,
): Promise<Checked | null> {
  if (listener === "NODE") {
    const problem = await nodeDoorProblem({ ...global, bootstrap: [address] }, signal);
    const fix = `set node.advertised.listeners of node ${nodeId} to where the other nodes reach it`;
    return { address, what: `door of node ${nodeId} for nodes`, problem, fix: problem === null ? null : fix };
  }
  if (listener !== "HTTP" || (isLoopback(address) && !isLoopback(entry))) return null;
  const problem = await httpProblem(address, global.timeoutMs, signal);
  const fix = `check http.listeners of node ${nodeId}, and what is in between`;
  return { address, what: `door of node ${nodeId} for health and metrics`, problem, fix: problem === null ? null : fix };
}

/** A door for nodes refuses clients, and says so: that is the answer looked for. */
async function nodeDoorProblem(global: GlobalOptions, signal: AbortSignal): Promise<string | null> {
  return await withClient(global, async (ottla) => {
    try {
      await ottla.admin().describeCluster({ signal });
      return "clients are served there: it is no door for nodes";
    } catch (error) {
      signal.throwIfAborted();
      return error instanceof Error && "error" in error && error.error === "UNSUPPORTED_ENDPOINT_TYPE" ? null : messageOf(error);
    }
  });
}

async function httpProblem(address: string, timeoutMs: number, signal: AbortSignal): Promise<string | null> {
  try {
    const response = await fetch(`http://${address}/readyz`, { signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) });
    const text = (await response.text()).trim();
    return response.ok ? null : `${response.status}: ${text}`;
  } catch (error) {
    signal.throwIfAborted();
    return messageOf(error instanceof Error ? (error.cause ?? error) : error);
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
