import { spawn } from "node:child_process";
import { command } from "../../scripts/support/node-process.ts";

/** Runs one command of the built `ottla` and returns what it printed as JSON. */
export async function runOttla(bootstrap: readonly string[], args: readonly string[]): Promise<unknown> {
  const text = await capture(process.execPath, [command, ...args, "--bootstrap", bootstrap.join(","), "--json"]);
  return JSON.parse(text);
}

/** Standard output of a process; rejects when it fails. */
export async function capture(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with exit code ${String(code)}`);
  return text;
}

export interface Throughput {
  readonly recordsPerSecond: number;
  readonly latencyMs?: { readonly p50: number; readonly p99: number; readonly max: number };
}

export async function throughput(bootstrap: readonly string[], args: readonly string[]): Promise<Throughput> {
  const result: unknown = await runOttla(bootstrap, ["bench", ...args]);
  if (typeof result !== "object" || result === null || !("recordsPerSecond" in result))
    throw new Error(`ottla bench printed ${JSON.stringify(result)}`);
  return result as Throughput;
}
