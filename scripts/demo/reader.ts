import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { command } from "../support/node-process.ts";

export interface ReadRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string;
}

/** Reads with `ottla consume` in a process of its own, as anybody would.
 * @param killAfter ends the reader with SIGKILL once it has read so many */
export async function readInOwnProcess(bootstrap: readonly string[], args: readonly string[], killAfter = Number.POSITIVE_INFINITY): Promise<ReadRecord[]> {
  const child = spawn(process.execPath, [command, "consume", ...args, "--bootstrap", bootstrap.join(","), "--format", "json"], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const records: ReadRecord[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (records.length >= killAfter) {
      child.kill("SIGKILL");
      break;
    }
    records.push(JSON.parse(line));
  }
  const code = await exited;
  if (code !== 0 && killAfter === Number.POSITIVE_INFINITY) throw new Error(`ottla consume ${args.join(" ")} ended with exit code ${code}`);
  return records;
}
