import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { command, freePort, isFree } from "../../scripts/support/node-process.ts";
import { ottla, temporaryDirectory } from "./ottla.ts";

interface ClusterEvent {
  readonly event: string;
  readonly nodeId?: number;
  readonly bootstrap?: string[];
  readonly state?: { readonly kind: string; readonly pid: number; readonly how: string; readonly unasked: boolean };
}

const rollingRestart = fileURLToPath(new URL("../../scripts/rolling-restart.sh", import.meta.url));

/** `ottla cluster start --json` in a process of its own. */
class RunningCluster {
  readonly events: ClusterEvent[] = [];
  readonly #child;
  readonly ended: Promise<number | null>;
  #wake = (): void => {};

  constructor(dataDir: string, basePort: number) {
    this.#child = spawn(process.execPath, [command, "cluster", "start", "--data-dir", dataDir, "--base-port", String(basePort), "--json"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.ended = new Promise((resolve) => this.#child.once("close", resolve));
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      this.events.push(JSON.parse(line));
      this.#wake();
    });
  }

  async event(which: (event: ClusterEvent) => boolean): Promise<ClusterEvent> {
    for (;;) {
      const found = this.events.find(which);
      if (found) return found;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }
}

/** Room for three nodes' doors: 100 ports between nodes, four doors each. */
async function basePort(): Promise<number> {
  for (;;) {
    const port = await freePort();
    const doors = [0, 100, 200].flatMap((node) => [0, 1, 2, 3].map((door) => port + node + door));
    if ((await Promise.all(doors.map(isFree))).every(Boolean)) return port;
  }
}

test(
  "three nodes run in one terminal; one is killed, stopped and restarted from another; an end in order",
  { timeout: 120_000 },
  async () => {
    await using directory = await temporaryDirectory();
    const dataDir = join(directory.path, "cluster");
    const cluster = new RunningCluster(dataDir, await basePort());
    try {
      const { bootstrap = [] } = await cluster.event(({ event }) => event === "ready");
      expect(bootstrap.length).toBe(3);
      const own = (action: string, id: string): ReturnType<typeof ottla> => ottla(["cluster", action, id, "--data-dir", dataDir]);
      const env = { OTTLA_BOOTSTRAP: bootstrap.join(",") };
      expect(await ottla(["topic", "create", "orders", "-p", "3"], { env })).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/orders +3 +3/),
      });

      const started = await cluster.event(({ nodeId, state }) => nodeId === 2 && state?.kind === "ready");
      expect(await readFile(`/proc/${started.state?.pid}/cmdline`, "utf8")).toContain("--node-id\u00002\u0000");

      expect(await own("kill", "2")).toMatchObject({ code: 0, stdout: "Node 2 was killed with SIGKILL\n" });
      expect(await ottla(["produce", "orders"], { env, input: "a\nb\n" })).toMatchObject({ code: 0 });
      expect(await own("kill", "2")).toMatchObject({ code: 1, stderr: expect.stringContaining("it is not running (it ended by SIGKILL)") });
      expect(await own("restart", "2")).toMatchObject({ code: 0, stdout: "Node 2 is ready again\n" });
      expect(await own("stop", "3")).toMatchObject({ code: 0, stdout: "Node 3 was stopped in order\n" });
      expect(await own("restart", "3")).toMatchObject({ code: 0 });
      expect(await own("stop", "7")).toMatchObject({ code: 1, stderr: expect.stringContaining("this cluster has nodes 1, 2, 3") });

      const rolled = await promisify(execFile)(rollingRestart, [`${command} cluster restart {} --data-dir ${dataDir}`, "1", "2", "3"], {
        env: { ...process.env, ...env, OTTLA: command },
      });
      expect(rolled.stdout).toMatch(/Node 3 is back, the cluster is healthy\n$/);

      const second = await ottla(["cluster", "start", "--data-dir", dataDir]);
      expect(second).toMatchObject({ code: 1, stderr: expect.stringMatching(/runs already, in process \d+/) });

      process.kill(await pidOf(cluster, 1), "SIGKILL");
      const died = await cluster.event(({ nodeId, state }) => nodeId === 1 && state?.unasked === true);
      expect(died.state).toMatchObject({ kind: "ended", how: "by SIGKILL" });
      expect((await ottla(["consume", "orders"], { env })).stdout.split("\n").toSorted()).toEqual(["", "a", "b"]);
    } finally {
      cluster.signal("SIGTERM");
    }
    expect(await cluster.ended).toBe(0);
    expect(await ottla(["cluster", "stop", "1", "--data-dir", dataDir])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("No cluster runs in"),
    });
  },
);

test("nodes do not outlive a cluster that is killed", { timeout: 60_000 }, async () => {
  await using directory = await temporaryDirectory();
  const cluster = new RunningCluster(join(directory.path, "cluster"), await basePort());
  await cluster.event(({ event }) => event === "ready");
  const pids = await Promise.all([1, 2, 3].map((nodeId) => pidOf(cluster, nodeId)));
  cluster.signal("SIGKILL");
  await cluster.ended;
  await expect.poll(() => pids.filter(isRunning), { timeout: 30_000 }).toEqual([]);
});

test("settings that cannot be the same for every node are refused with the way out", async () => {
  expect(await ottla(["cluster", "start", "--node-id", "3"])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("the cluster numbers its nodes"),
  });
  expect(await ottla(["cluster", "start", "--base-port", "65500"])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("above 65535"),
  });
});

async function pidOf(cluster: RunningCluster, nodeId: number): Promise<number> {
  const isReady = (event: ClusterEvent): boolean => event.nodeId === nodeId && event.state?.kind === "ready";
  await cluster.event(isReady);
  return cluster.events.findLast(isReady)?.state?.pid ?? 0;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
