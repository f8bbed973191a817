import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Reporter, SerializedError, TestModule } from "vitest/node";

/** What one run of vitest came to, for the sum that .ci/run prints. */
interface Counts {
  passed: number;
  failed: number;
  skipped: number;
  /** Name and reason of each skipped test. */
  skips: string[];
}

/** Writes the counts of a run into a file of its own below `directory`. A file that cannot be loaded, and an error outside any test, count as a
 * failed test each. */
export class CiReporter implements Reporter {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const counts: Counts = { passed: 0, failed: unhandledErrors.length, skipped: 0, skips: [] };
    for (const module of modules) count(module, counts);
    mkdirSync(this.#directory, { recursive: true });
    writeFileSync(path.join(this.#directory, `${process.pid}-${Date.now()}.json`), JSON.stringify(counts));
  }
}

function count(module: TestModule, counts: Counts): void {
  let tests = 0;
  for (const test of module.children.allTests()) {
    tests += 1;
    const result = test.result();
    if (result.state === "passed") counts.passed += 1;
    else if (result.state === "skipped") {
      counts.skipped += 1;
      counts.skips.push(`${module.relativeModuleId} > ${test.fullName}: ${result.note ?? "no reason given"}`);
    } else counts.failed += 1;
  }
  const errors = module.errors().length + [...module.children.allSuites()].reduce((sum, suite) => sum + suite.errors().length, 0);
  counts.failed += errors > 0 ? errors : module.state() === "failed" && tests === 0 ? 1 : 0;
}
