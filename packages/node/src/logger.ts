import type { Logger } from "@ottla/host";
import type { NodeConfig } from "@ottla/protocol";
import { destination, pino } from "pino";

/** An embedded node speaks up on standard error, and only when something is wrong. */
export function defaultLogger(config: NodeConfig): Logger {
  return pino({ level: "warn", base: { nodeId: config.nodeId } }, destination(2));
}
