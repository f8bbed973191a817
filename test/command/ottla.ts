import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../../scripts/support/node-process.ts";

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command as a user does, without a terminal. */
export function ottla(
  args: readonly string[],
  options: { input?: string; env?: Record<string, string>; interruptOn?: string } = {},
): Promise<Outcome> {
  const child = spawn(process.execPath, [command, ...args], { env: { ...process.env, ...options.env } });
  let stdout = "";
  let stderr = "";
  const look = (): void => {
    if (options.interruptOn !== undefined && `${stdout}${stderr}`.includes(options.interruptOn)) child.kill("SIGINT");
  };
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    look();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
    look();
  });
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })));
}

export async function temporaryDirectory(): Promise<{ path: string; [Symbol.asyncDispose](): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "ottla-command-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
