import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The launcher of the built command. */
export const command = join(dirname(fileURLToPath(import.meta.url)), "../../packages/cli/bin/ottla.cjs");
const startTimeoutMs = 30_000;

export interface NodeProcessOptions {
  readonly dataDir: string;
  /** Settings by their dotted names. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** A command that runs the node, such as `ip netns exec n1`; it must become the node's process. */
  readonly through?: readonly string[];
}

/** `ottla start` as a user runs it: the built command in a process of its own. */
export class NodeProcess {
  readonly bootstrap: string[];
  readonly kafkaBootstrap: string[];
  readonly http: string;
  /** From spawn to the line that says it is ready. */
  readonly startMs: number;
  readonly #child: ChildProcess;
  /** Resolves with how the process ended. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly #errors: string[];

  private constructor(
    child: ChildProcess,
    exited: NodeProcess["exited"],
    errors: string[],
    ready: { bootstrap: string[]; kafka: string[]; http: string },
    startMs: number,
  ) {
    this.#child = child;
    this.exited = exited;
    this.#errors = errors;
    this.bootstrap = ready.bootstrap;
    this.kafkaBootstrap = ready.kafka;
    this.http = ready.http;
    this.startMs = startMs;
  }

  /** Rejects with what the process said when it ends before it is ready. */
  static async start(options: NodeProcessOptions): Promise<NodeProcess> {
    const flags = Object.entries({
      "data.dir": options.dataDir,
      "http.listeners": "127.0.0.1:0",
      "log.level": "warn",
      ...options.settings,
    }).map(([name, value]) => `--${name}=${value}`);
    const startedMs = performance.now();
    const [program = process.execPath, ...args] = [...(options.through ?? []), process.execPath, command, "start", "--json", ...flags];
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...options.env },
    });
    const errors: string[] = [];
    child.stderr.on("data", (chunk: Buffer) => {
      errors.push(chunk.toString());
      if (errors.length > 200) errors.shift();
    });
    const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
      child.once("exit", (code, signal) => resolve({ code, signal })),
    );
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, startTimeoutMs);
    const ended = exited.then(({ code, signal }) => {
      const how = late ? `was not ready after ${startTimeoutMs} ms` : `ended (${code ?? signal}) before it was ready`;
      return Promise.reject(new Error(`The node ${how}:\n${errors.join("")}`));
    });
    const line = await Promise.race([
      new Promise<string>((resolve) => createInterface({ input: child.stdout }).once("line", resolve)),
      ended,
    ]).finally(() => clearTimeout(timer));
    const ready: { bootstrap: string[]; kafka: string[]; http: string } = JSON.parse(line);
    return new NodeProcess(child, exited, errors, ready, performance.now() - startedMs);
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error("The process was never started");
    return this.#child.pid;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** What it wrote to standard error, the last of it. */
  get errors(): string {
    return this.#errors.join("");
  }

  /** SIGKILL, and waits until it is gone. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exited;
  }

  /** SIGSTOP: it holds its connections and says nothing, until SIGCONT. */
  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  /** SIGTERM, and waits for the orderly end. */
  async stop(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    this.#child.kill("SIGTERM");
    return this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/** A port that was free a moment ago: a node that is killed and started again must keep its address.
 * @param wanted taken if it is free */
export async function freePort(wanted = belowEphemeral()): Promise<number> {
  return (await isFree(wanted)) ? wanted : freePort();
}

export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const listening = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
  if (listening) await new Promise((resolve) => server.close(resolve));
  return listening;
}

/** A port that the system picks may be taken again, by an outgoing connection of anybody, before a node listens on it. */
function belowEphemeral(): number {
  return 12_000 + Math.floor(Math.random() * 20_000);
}
