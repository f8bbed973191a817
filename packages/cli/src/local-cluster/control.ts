import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { LocalCluster, NodeAction } from "./local-cluster.ts";

/** What the terminal that runs the cluster tells the others, in its data directory. */
interface ControlFile {
  readonly pid: number;
  readonly socket: string;
}

interface Answer {
  readonly done?: string;
  readonly failed?: string;
}

const actions: readonly NodeAction[] = ["kill", "stop", "restart"];
const fileIn = (dataDir: string): string => join(dataDir, "cluster.json");

/** Takes `kill`, `stop` and `restart` from other terminals of this user. The socket lies in a directory of its own below the system's temporary
 * one, because a socket's path may have 107 bytes only. */
export class Control implements AsyncDisposable {
  readonly #server: Server;
  readonly #socket: string;
  readonly #dataDir: string;

  private constructor(server: Server, socket: string, dataDir: string) {
    this.#server = server;
    this.#socket = socket;
    this.#dataDir = dataDir;
  }

  /** @throws Error when another terminal runs the cluster of this directory */
  static async open(dataDir: string, cluster: LocalCluster): Promise<Control> {
    const other = await runningIn(dataDir);
    if (other !== null) {
      other.socket.destroy();
      throw new Error(
        `The cluster in ${dataDir} runs already, in process ${other.pid}; end that one, or give another directory with --data-dir and other ports with --base-port`,
      );
    }
    const socket = join(await mkdtemp(join(tmpdir(), "ottla-cluster-")), "control");
    const server = createServer((connection) => serve(connection, cluster));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(socket, resolve);
    });
    await writeFile(fileIn(dataDir), `${JSON.stringify({ pid: process.pid, socket } satisfies ControlFile)}\n`);
    return new Control(server, socket, dataDir);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(fileIn(this.#dataDir), { force: true });
    await rm(dirname(this.#socket), { recursive: true, force: true });
  }
}

function serve(connection: Socket, cluster: LocalCluster): void {
  connection.on("error", () => {}); // the other terminal went away: what it asked for is done all the same
  createInterface({ input: connection }).once("line", (line) => {
    void perform(line, cluster).then((answer) => connection.end(`${JSON.stringify(answer)}\n`));
  });
}

async function perform(line: string, cluster: LocalCluster): Promise<Answer> {
  try {
    const { action, nodeId }: { action?: unknown; nodeId?: unknown } = JSON.parse(line);
    const known = actions.find((one) => one === action);
    if (!known || typeof nodeId !== "number") throw new Error(`Not understood: ${line}`);
    return { done: await cluster.act(known, nodeId) };
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
  }
}

/** Asks the terminal that runs the cluster of this directory.
 * @returns what was done, in words
 * @throws Error when no cluster runs there, or it refused */
export async function ask(dataDir: string, action: NodeAction, nodeId: number): Promise<string> {
  const running = await runningIn(dataDir);
  if (running === null)
    throw new Error(`No cluster runs in ${dataDir}; start one with ottla cluster start --data-dir ${dataDir}, or name its directory`);
  const { socket } = running;
  socket.write(`${JSON.stringify({ action, nodeId })}\n`);
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: socket })
      .once("line", resolve)
      .once("close", () => reject(new Error("The cluster ended before it answered")));
  });
  socket.end();
  const { done, failed }: Answer = JSON.parse(line);
  if (done === undefined) throw new Error(failed);
  return done;
}

async function runningIn(dataDir: string): Promise<{ pid: number; socket: Socket } | null> {
  const text = await readFile(fileIn(dataDir), "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  });
  if (text === null) return null;
  const { pid, socket: path }: ControlFile = JSON.parse(text);
  // A file that a killed process left names a socket where nobody listens.
  const socket = connect(path);
  return new Promise((resolve) => {
    socket.once("connect", () => resolve({ pid, socket })).once("error", () => resolve(null));
  });
}
