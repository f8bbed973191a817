import { deadline, type Address, type Host } from "@ottla/host";

const ATTEMPTS = 3;
const ATTEMPT_MS = 100;

/** Whether anything accepts connections there: a process that is gone is told from one that is slow. */
export async function acceptsConnections(host: Host, address: Address, signal: AbortSignal): Promise<boolean> {
  for (let attempt = 0; attempt < ATTEMPTS && !signal.aborted; attempt++) {
    const limit = deadline(host.clock, ATTEMPT_MS, `a connection to ${address.host}:${address.port}`, signal);
    try {
      await host.network.probe(address, limit.signal);
      return true;
    } catch {
      // Refused, unreachable and silent mean the same here; the next attempt follows.
    } finally {
      limit.cancel();
    }
  }
  return false;
}
