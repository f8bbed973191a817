// Adds up the counts that each run of vitest left (scripts/ci-reporter.ts), says why tests were skipped, and prints the sum last.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

const directory = process.argv[2];
const reports = readdirSync(directory).map((name) => JSON.parse(readFileSync(path.join(directory, name), "utf8")));
const sum = (key) => reports.reduce((total, report) => total + report[key], 0);

for (const skip of reports.flatMap((report) => report.skips)) console.log(`skipped: ${skip}`);
console.log(`${sum("passed")} passed, ${sum("failed")} failed, ${sum("skipped")} skipped`);
process.exitCode = sum("failed") > 0 || sum("passed") === 0 ? 1 : 0;
