// Adds up the counts that each run of vitest left (scripts/ci-reporter.ts), says why tests were skipped, and prints the sum last.
// A skip that .ci/permitted-skips.txt does not permit counts as a failure.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

const directory = process.argv[2];
const reports = readdirSync(directory).map((name) => JSON.parse(readFileSync(path.join(directory, name), "utf8")));
const sum = (key) => reports.reduce((total, report) => total + report[key], 0);
const permitted = readFileSync(new URL("permitted-skips.txt", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"));

const skips = reports.flatMap((report) => report.skips);
const refused = skips.filter((skip) => !permitted.some((part) => skip.includes(part)));
for (const skip of skips) console.log(`${refused.includes(skip) ? "NOT PERMITTED, skipped" : "skipped"}: ${skip}`);
const failed = sum("failed") + refused.length;
console.log(`${sum("passed")} passed, ${failed} failed, ${skips.length - refused.length} skipped`);
process.exitCode = failed > 0 || sum("passed") === 0 ? 1 : 0;
