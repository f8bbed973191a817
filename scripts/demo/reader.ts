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

/** Ends a reader with SIGKILL once it has printed so many records and `until` has resolved. What it had printed by then counts as read. */
export interface Kill {
  readonly after: number;
  until(): Promise<void>;
}

/** Reads with `ottla consume` in a process of its own, as anybody would. */
export async function readInOwnProcess(bootstrap: readonly string[], args: readonly string[], kill?: Kill): Promise<ReadRecord[]> {
  const child = spawn(process.execPath, [command, "consume", ...args, "--bootstrap", bootstrap.join(","), "--format", "json"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const records: ReadRecord[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    // The last line of a killed reader may be half a line.
    if (!line.endsWith("}") && child.killed) break;
    records.push(JSON.parse(line));
    if (records.length === kill?.after) {
      await kill.until();
      child.kill("SIGKILL");
    }
  }
  const code = await exited;
  if (code !== 0 && !kill) throw new Error(`ottla consume ${args.join(" ")} ended with exit code ${code}`);
  return records;
}
