import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { ClusterProcesses } from "../../scripts/support/cluster-processes.ts";
import { ottla, type Outcome } from "./ottla.ts";

/** Three nodes in processes of their own, and the command as it talks to them. */
export class ThreeNodes implements AsyncDisposable {
  readonly nodes: ClusterProcesses;
  readonly #directory: string;

  private constructor(nodes: ClusterProcesses, directory: string) {
    this.nodes = nodes;
    this.#directory = directory;
  }

  static async start(): Promise<ThreeNodes> {
    const directory = await mkdtemp(join(tmpdir(), "ottla-three-"));
    return new ThreeNodes(await ClusterProcesses.start({ directory }), directory);
  }

  /** What is typed after `ottla`, words apart by spaces. */
  run(line: string, options: Parameters<typeof ottla>[1] = {}): Promise<Outcome> {
    return ottla(line.split(" "), { ...options, env: { OTTLA_BOOTSTRAP: this.nodes.bootstrap.join(","), ...options.env } });
  }

  /** What a command answers to a program. */
  async json(line: string): Promise<unknown> {
    const { code, stdout, stderr } = await this.run(`${line} --json`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return JSON.parse(stdout);
  }

  /** Each line is refused, with the text beside it. */
  async refuses(expected: Readonly<Record<string, string>>, code = 1): Promise<void> {
    const lines = Object.keys(expected);
    const outcomes = await Promise.all(lines.map((line) => this.run(line)));
    const seen = outcomes.map((outcome, at) => ({ line: lines[at], code: outcome.code, stdout: outcome.stdout, stderr: outcome.stderr }));
    expect(seen).toEqual(
      Object.entries(expected).map(([line, text]) => ({ line, code, stdout: "", stderr: expect.stringContaining(text) })),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.nodes[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

export function shows(text: string | RegExp): object {
  return { code: 0, stdout: typeof text === "string" ? expect.stringContaining(text) : expect.stringMatching(text) };
}
