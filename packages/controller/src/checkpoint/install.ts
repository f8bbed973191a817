import type { Host, Logger } from "@ottla/host";
import { Checkpoints } from "./checkpoints.ts";
import { ReceivedCheckpoint } from "./received.ts";

/** Gives the state that the leader sent, and that was verified, its place among the checkpoints; the log it covers goes at the next open. Nothing may be
 * open. */
export async function installReceived(host: Host, directory: string, logger: Logger): Promise<void> {
  const checkpoints = new Checkpoints(host, directory, Number.MAX_SAFE_INTEGER, logger);
  await checkpoints.install(new ReceivedCheckpoint(host, directory).directory);
}
