// Runs every scripts/generate-*.ts. With --check nothing is written, and what is out of date is an error.
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const directory = fileURLToPath(new URL(".", import.meta.url));
const generators = readdirSync(directory).filter((name) => /^generate-.*\.ts$/.test(name));

function run(generator: string): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, `${directory}${generator}`, ...process.argv.slice(2)], { stdio: "inherit" });
  return new Promise((resolve, reject) => child.on("error", reject).on("exit", (code) => resolve(code ?? 1)));
}

const codes = await Promise.all(generators.map(run));
process.exitCode = codes.some((code) => code !== 0) ? 1 : 0;
