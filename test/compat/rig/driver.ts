import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

const withinMs = 60_000;

/** A program in another language or runtime that does what it is told: a JSON object per line, an answer of one line to each that has an `op`
 * other than "record". */
export class Driver implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #waiting: { resolve(answer: unknown): void; reject(error: Error): void }[] = [];
  readonly #gone: Promise<void>;
  #ended = false;
  #errors = "";

  constructor(command: readonly string[], cwd?: string) {
    const [program = "", ...args] = command;
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], ...(cwd ? { cwd } : {}) });
    this.#child = child;
    child.stderr.on("data", (chunk: Buffer) => (this.#errors = (this.#errors + chunk.toString()).slice(-20_000)));
    child.stdin.on("error", () => {});
    createInterface({ input: child.stdout }).on("line", (line) => this.#answered(line));
    this.#gone = new Promise((resolve) => child.once("close", () => resolve()));
    void this.#gone.then(() => {
      this.#ended = true;
      this.#fail(`${command.join(" ")} ended`);
    });
  }

  async ask<Answer>(request: { readonly op: string; readonly [field: string]: unknown }): Promise<Answer> {
    if (this.#ended) throw new Error(`The driver has ended\n${this.#errors}`);
    const answer = new Promise<unknown>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    const timer = setTimeout(() => {
      this.#fail(`no answer to ${JSON.stringify(request).slice(0, 200)} within ${withinMs} ms`);
      this.#child.kill("SIGKILL");
    }, withinMs);
    try {
      return (await answer) as Answer;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Hands a record over; resolves when the driver may be given the next. */
  async record(record: object): Promise<void> {
    const stdin = this.#child.stdin;
    if (stdin?.writable && !stdin.write(`${JSON.stringify({ op: "record", ...record })}\n`))
      await new Promise<void>((resolve) => stdin.once("drain", resolve).once("close", resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.end();
    const killer = setTimeout(() => this.#child.kill("SIGKILL"), 5_000);
    await this.#gone;
    clearTimeout(killer);
  }

  #answered(line: string): void {
    const { answer, error }: { answer?: unknown; error?: string } = JSON.parse(line);
    const waiting = this.#waiting.shift();
    if (error === undefined) waiting?.resolve(answer);
    else waiting?.reject(new Error(`${error}\n${this.#errors}`));
  }

  #fail(why: string): void {
    for (const { reject } of this.#waiting.splice(0)) reject(new Error(`${why}\n${this.#errors}`));
  }
}
