import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { LogFile } from "./log-file.ts";
import type { NodePlan } from "./plan.ts";

export type NodeState =
  | { readonly kind: "starting"; readonly pid: number }
  | { readonly kind: "ready"; readonly pid: number; readonly startMs: number }
  | { readonly kind: "stopping"; readonly pid: number }
  | { readonly kind: "ended"; readonly how: string; /** Nobody here had asked for it. */ readonly unasked: boolean };

/** The launcher that runs this very command. */
const launcher = process.argv[1] ?? "";
const rememberedLines = 5;

/** One node process. It is started when told to and never by itself: a node that died is for somebody to look at. */
export class LocalNode {
  readonly plan: NodePlan;
  readonly #log: LogFile;
  readonly #onChange: (node: LocalNode) => void;
  #state: NodeState = { kind: "ended", how: "not started", unasked: false };
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #asked = false;
  /** The last it wrote to standard error. */
  #lastWords: string[] = [];

  constructor(plan: NodePlan, onChange: (node: LocalNode) => void) {
    this.plan = plan;
    this.#log = new LogFile(plan.logFile);
    this.#onChange = onChange;
  }

  get state(): NodeState {
    return this.#state;
  }

  get lastWords(): string {
    return this.#lastWords.join("\n");
  }

  /** Resolves when it is ready; rejects with its last words when it ends before. */
  async start(): Promise<void> {
    if (this.#state.kind !== "ended") throw new Error(`Node ${this.plan.nodeId} runs already`);
    this.#asked = false;
    this.#lastWords = [];
    // A process group of its own: Ctrl-C is for the cluster, which then ends its nodes. The channel ends a node whose cluster was killed.
    const child = spawn(process.execPath, [launcher, ...this.plan.args], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      detached: true,
    });
    this.#child = child;
    const { stdout, stderr, pid } = child;
    if (!stdout || !stderr || pid === undefined) throw new Error(`Cannot start a process for node ${this.plan.nodeId}`);
    stderr.on("data", (chunk: Buffer) => this.#log.write(chunk));
    createInterface({ input: stderr }).on("line", (line) => {
      this.#lastWords.push(line);
      if (this.#lastWords.length > rememberedLines) this.#lastWords.shift();
    });
    this.#ended = new Promise((resolve) =>
      child.once("close", (code, signal) => {
        const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
        this.#become({ kind: "ended", how, unasked: !this.#asked });
        resolve();
      }),
    );
    this.#become({ kind: "starting", pid });
    const ready = new Promise<void>((resolve) =>
      createInterface({ input: stdout }).once("line", (line) => {
        const { startMs }: { startMs: number } = JSON.parse(line);
        this.#become({ kind: "ready", pid, startMs });
        resolve();
      }),
    );
    const failed = this.#ended.then((): never => {
      throw new Error(`Node ${this.plan.nodeId} ended before it was ready:\n${this.lastWords}`);
    });
    failed.catch(() => {}); // raced below, and of no interest once it was ready
    await Promise.race([ready, failed]);
  }

  /** In order, as `ottla start` ends at SIGTERM. Resolves when the process is gone. */
  stop(): Promise<void> {
    if (this.#state.kind === "starting" || this.#state.kind === "ready") this.#become({ kind: "stopping", pid: this.#state.pid });
    return this.#signal("SIGTERM");
  }

  kill(): Promise<void> {
    return this.#signal("SIGKILL");
  }

  async close(): Promise<void> {
    await this.stop();
    await this.#log.close();
  }

  #signal(signal: NodeJS.Signals): Promise<void> {
    this.#asked = true;
    if (this.#state.kind !== "ended") this.#child?.kill(signal);
    return this.#ended;
  }

  #become(state: NodeState): void {
    this.#state = state;
    this.#onChange(this);
  }
}
