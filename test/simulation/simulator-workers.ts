import { type ChildProcess, fork } from "node:child_process";
import type { SimulationReport } from "@ottla/simulator";
import type { Job } from "./simulator-worker.ts";

/** Real time that one seed may take. */
const SILENCE_MS = 120_000;

/** Processes that simulate. */
export class Workers implements Disposable {
  readonly #bundle: string;
  readonly #idle: ChildProcess[] = [];
  readonly #all = new Set<ChildProcess>();

  constructor(bundle: string) {
    this.#bundle = bundle;
  }

  /** Runs one seed in an idle process or a new one; a process that says nothing counts as a finding.
   * @param alone in a new process, which ends with it: nothing that other seeds have left behind can be there */
  run(job: Job, alone = false): Promise<SimulationReport | string> {
    const child = (alone ? undefined : this.#idle.pop()) ?? this.#start();
    return new Promise((resolve) => {
      const silence = setTimeout(() => child.kill("SIGKILL"), SILENCE_MS);
      const end = (result: SimulationReport | string): void => {
        clearTimeout(silence);
        child.off("message", onMessage);
        child.off("exit", onExit);
        resolve(result);
      };
      const onMessage = (report: SimulationReport): void => {
        end(report);
        if (alone) child.disconnect();
        else this.#idle.push(child);
      };
      const onExit = (code: number | null, signal: string | null): void => end(`the process that ran it ended (${code ?? signal})`);
      child.on("message", onMessage);
      child.once("exit", onExit);
      child.send(job);
    });
  }

  [Symbol.dispose](): void {
    for (const child of this.#all) child.kill();
  }

  #start(): ChildProcess {
    const child = fork(this.#bundle, {
      serialization: "advanced",
      execArgv: ["--enable-source-maps", "--max-semi-space-size=64"],
    });
    this.#all.add(child);
    child.once("exit", () => this.#all.delete(child));
    return child;
  }
}
