import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const withinMs = 60_000;

export interface ToolRun {
  /** Lines for its standard input, which ends behind them. */
  readonly lines?: AsyncIterable<string> | Iterable<string>;
  /** Each line of its standard output, as it comes. */
  onLine?(line: string): void;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command line tool to its end. Resolves with its standard output; rejects, with all that it said, when it fails or takes too long. */
export async function runTool(command: readonly string[], { lines = [], onLine, env }: ToolRun = {}): Promise<string> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...env } });
  const said: string[] = [];
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-20_000)));
  createInterface({ input: child.stdout }).on("line", (line) => {
    said.push(line);
    onLine?.(line);
  });
  // A tool that ends early closes its input: how it ended says more.
  child.stdin.on("error", () => {});
  const timer = setTimeout(() => child.kill("SIGKILL"), withinMs);
  const ended = new Promise<string>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(code === null ? String(signal) : String(code)));
  });
  const feeding = feed(child.stdin, lines);
  try {
    const how = await ended;
    await feeding;
    if (how !== "0") throw new Error(`${command.join(" ")} ended with ${how}:\n${errors}\n${said.slice(-20).join("\n")}`);
    return said.map((line) => `${line}\n`).join("");
  } finally {
    clearTimeout(timer);
  }
}

async function feed(stdin: NodeJS.WritableStream, lines: AsyncIterable<string> | Iterable<string>): Promise<void> {
  for await (const line of lines) {
    if (!stdin.writable) return;
    if (!stdin.write(`${line}\n`)) await new Promise<void>((resolve) => stdin.once("drain", resolve).once("close", resolve));
  }
  stdin.end();
}
