import type { Logger } from "@ottla/host";
import type { NodeConfig } from "@ottla/protocol";
import { pino } from "pino";
import type { Terminal } from "./terminal.ts";

/** JSON lines on standard error for collectors; short lines for whoever watches a terminal. */
export function createLogger(config: NodeConfig, terminal: Terminal): Logger {
  const options = { level: config.logLevel, base: { nodeId: config.nodeId } };
  return pino(options, { write: terminal.interactive ? (line) => terminal.error(readable(line)) : (line) => terminal.error(line) });
}

const levels = new Map([
  [20, "debug"],
  [30, "info"],
  [40, "WARN"],
  [50, "ERROR"],
  [60, "FATAL"],
]);
const shownElsewhere = new Set(["level", "time", "nodeId", "msg", "part", "err"]);

function readable(line: string): string {
  const entry: unknown = JSON.parse(line);
  if (typeof entry !== "object" || entry === null) return line;
  const { level, time, msg, part, err } = entry as Record<string, unknown>;
  const who = typeof part === "string" ? `${part}: ` : "";
  const rest = Object.entries(entry).flatMap(([key, value]) =>
    shownElsewhere.has(key) ? [] : [` ${key}=${typeof value === "string" ? value : JSON.stringify(value)}`],
  );
  const cause = typeof err === "object" && err !== null && "message" in err ? ` (${String(err.message)})` : "";
  return `${new Date(Number(time)).toISOString().slice(11, 23)} ${levels.get(Number(level)) ?? String(level)} ${who}${String(msg)}${cause}${rest.join("")}\n`;
}
