import type { Ottla } from "@ottla/client";
import type { Command } from "commander";
import { UsageError } from "./exit-codes.ts";
import type { Terminal } from "./terminal.ts";

/** What surrounds a command: where it writes, what ends it, what the environment says. */
export interface Surroundings {
  readonly terminal: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** For a command that runs until it is told to end: the signal was that, not an interruption. */
  readonly stopped: () => void;
}

export interface GlobalOptions {
  readonly bootstrap: readonly string[];
  readonly json: boolean;
  readonly timeoutMs: number;
}

/** The options that every command that talks to a cluster has. */
export function withClusterOptions(command: Command): Command {
  return command
    .option("-b, --bootstrap <list>", "brokers to begin with, host:port[,host:port…] (OTTLA_BOOTSTRAP, else localhost:9093)")
    .option("--timeout <ms>", "how long one request may take", "30000")
    .option("--json", "print JSON, for programs", false);
}

export function clusterOptions(options: { bootstrap?: string; timeout: string; json: boolean }, { env }: Surroundings): GlobalOptions {
  const text = options.bootstrap ?? env.OTTLA_BOOTSTRAP ?? "localhost:9093";
  return {
    bootstrap: text.split(",").map((one) => one.trim()),
    json: options.json,
    timeoutMs: wholeNumber("--timeout", options.timeout, 1),
  };
}

/** Connects for the time of `work`; everything is closed when it ends, in whatever way. */
export async function withClient<T>(options: GlobalOptions, work: (ottla: Ottla) => Promise<T>): Promise<T> {
  const { Ottla } = await import("@ottla/client");
  await using ottla = new Ottla({ bootstrap: options.bootstrap, clientId: "ottla-cli", requestTimeoutMs: options.timeoutMs });
  return await work(ottla);
}

/** @throws UsageError naming the option, the value and the range */
export function wholeNumber(option: string, text: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least || value > most)
    throw new UsageError(
      `${option} is ${text}; it takes a whole number from ${least}${most === Number.MAX_SAFE_INTEGER ? " on" : ` to ${most}`}`,
    );
  return value;
}

/** "key=value" arguments, each key once. */
export function assignments(option: string, texts: readonly string[]): Map<string, string> {
  const entries = new Map<string, string>();
  for (const text of texts) {
    const equals = text.indexOf("=");
    if (equals < 1) throw new UsageError(`${option} is "${text}"; it takes name=value, such as retention.ms=3600000`);
    entries.set(text.slice(0, equals), text.slice(equals + 1));
  }
  return entries;
}

/** For commander: an option that may be given several times. */
export function collect(text: string, before: readonly string[]): string[] {
  return [...before, text];
}
