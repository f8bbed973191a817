import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { SeedResult } from "../packages/controller/src/raft/simulation/index.ts";
import type { SimulationOptions } from "../packages/controller/src/raft/simulation/simulation.ts";

interface Removal {
  readonly file: string;
  readonly guard: string;
  readonly without: string;
}

/** Guards of the core by the rule they keep, and what the code is without them. */
const GUARDS: Readonly<Record<string, readonly Removal[]>> = {
  R8: [
    { file: "election.ts", guard: "const free = core.votedFor === null && core.leader === null;", without: "const free = true;" },
    { file: "election.ts", guard: "if (granted && core.votedFor === null) {", without: "if (granted) {" },
  ],
  "R8-durable": [
    {
      file: "election.ts",
      guard: "if (granted) core.outbox.promise(from, message);",
      without: "if (granted) core.outbox.send(from, message);",
    },
  ],
  R9: [
    {
      file: "follower.ts",
      guard: "if (matchIndex > entries.durableIndex) core.outbox.promise(from, message);",
      without: "if (matchIndex > entries.durableIndex) core.outbox.send(from, message);",
    },
  ],
  R15: [
    { file: "voter-change.ts", guard: "if (newest.index > commitIndex)", without: "if (newest.index < 0)" },
    { file: "voter-change.ts", guard: "if (commitIndex < leadership.firstIndex)", without: "if (commitIndex < 0)" },
  ],
  R7: [{ file: "commit.ts", guard: " || entries.termAt(index) !== core.term", without: "" }],
  R10: [{ file: "election.ts", guard: "const upToDate = !isBefore(request.last, core.entries.last);", without: "const upToDate = true;" }],
  R16: [
    { file: "election.ts", guard: "if (!isVoter(core, from)) return;", without: "" },
    {
      file: "commit.ts",
      guard: "else if (progress !== undefined && isSame(progress.peer, voter))",
      without: "else if (progress !== undefined)",
    },
    { file: "replication.ts", guard: "|| !isSame(progress.peer, from)", without: "" },
  ],
  "R16-late-answer": [{ file: "suspension.ts", guard: "if (round < doubt.round) return false;", without: "" }],
  R17: [{ file: "leadership.ts", guard: "< core.limits.electionTicks;", without: "< Number.POSITIVE_INFINITY;" }],
  R18: [{ file: "transfer.ts", guard: "|| last.index !== own.index || last.term !== own.term", without: "" }],
};

export const GUARD_NAMES: readonly string[] = Object.keys(GUARDS);

/** The simulation of a core without this guard, from a copy of its source. */
export async function withoutGuard(name: string): Promise<(options: SimulationOptions) => SeedResult> {
  const copy = mkdtempSync(join(tmpdir(), `raft-without-${name}-`));
  process.once("exit", () => rmSync(copy, { recursive: true, force: true }));
  cpSync(fileURLToPath(new URL("../packages/controller/src/raft", import.meta.url)), copy, { recursive: true });
  writeFileSync(join(copy, "package.json"), '{"type":"module"}');
  for (const { file, guard, without } of GUARDS[name] ?? []) {
    const path = join(copy, file);
    const [before, after, ...more] = readFileSync(path, "utf8").split(guard);
    if (before === undefined || after === undefined || more.length > 0)
      throw new Error(
        `Cannot remove guard ${name}: "${guard}" must stand in ${file} exactly once; tell scripts/raft-guards.ts what it is now`,
      );
    writeFileSync(path, before + without + after);
  }
  const module: { runSeed(options: SimulationOptions): SeedResult } = await import(pathToFileURL(join(copy, "simulation/index.ts")).href);
  return (options) => module.runSeed(options);
}
