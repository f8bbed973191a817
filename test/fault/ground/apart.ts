import { execFileSync, spawn } from "node:child_process";

const mark = "FAULTS_APART";
const unshare = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"];

/** Whether this process lives apart: its network, mounts and processes are its own, and vanish with it. */
export const isApart = process.env[mark] === "1";

/** Why this machine lets nobody live apart; null: it does. */
export function whyNotApart(): string | null {
  try {
    execFileSync(
      "unshare",
      [
        ...unshare,
        "sh",
        "-c",
        "mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns && ip netns add probe && nft list ruleset && tc qdisc",
      ],
      {
        stdio: ["ignore", "ignore", "pipe"],
      },
    );
    return null;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return error.message.split("\n").findLast((line) => line !== "") ?? error.message;
  }
}

/** This very script again, apart; resolves with its exit code. */
export async function runApart(script: string, args: readonly string[]): Promise<number> {
  const child = spawn("unshare", [...unshare, process.execPath, ...process.execArgv, script, ...args], {
    stdio: "inherit",
    env: { ...process.env, [mark]: "1" },
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}
