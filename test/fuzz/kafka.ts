// npm run test:fuzz:kafka -- [--cases N] [--seed N] [--case N] [--lanes N]: malformed Kafka frames against a node, others served meanwhile.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { kinds } from "./kafka/cases.ts";
import { fuzzKafka } from "./kafka/run.ts";

/** More than this a node never needs for clients that misbehave: its budgets and what the runtime keeps. */
const MOST_RSS_BYTES = 700 * 2 ** 20;
const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "1000000" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    case: { type: "string" },
    lanes: { type: "string", default: "24" },
  },
});
const seed = Number(values.seed);
const from = Number(values.case ?? 0);
const until = values.case === undefined ? Number(values.cases) : from + 1;
const dataDir = await mkdtemp(join(tmpdir(), "ottla-fuzz-"));
console.log(`seed ${seed}, ${until - from} cases`);
const every = Math.max(1000, Math.round((until - from) / 10_000) * 1000);
try {
  const outcome = await fuzzKafka({
    seed,
    from,
    until,
    dataDir,
    lanes: Number(values.lanes),
    progress: (done, line) => done % every === 0 && console.log(line),
  });
  for (const kind of kinds) {
    const { answered, closed, waited } = outcome.cases[kind];
    console.log(
      `${kind.padEnd(16)} ${String(answered + closed + waited).padStart(8)}: ${answered} answered, ${closed} closed, ${waited} left waiting`,
    );
  }
  const { served, rssBytes, elapsedMs, connections } = outcome;
  const mib = (bytes: number): number => Math.round(bytes / 2 ** 20);
  console.log(`${served.rounds} records written and read back meanwhile, the longest round ${Math.round(served.longestMs)} ms`);
  console.log(`${mib(outcome.floodedBytes)} MiB of requests whose answers nobody read; ${outcome.thrownOut} times somebody was thrown out`);
  console.log(
    `Memory of the node: ${mib(rssBytes.early)} MiB after a tenth, ${mib(rssBytes.most)} at most, ${mib(rssBytes.end)} at the end`,
  );
  if (rssBytes.most > MOST_RSS_BYTES) throw new Error(`${mib(rssBytes.most)} MiB are more than ${mib(MOST_RSS_BYTES)}`);
  if (served.rounds === 0) throw new Error("The well-behaved client was never served");
  console.log(
    `${until - from} frames on ${connections} connections in ${(elapsedMs / 1000).toFixed(1)} s (${Math.round(((until - from) * 1000) / elapsedMs)}/s): none crashed, hung or was answered wrongly`,
  );
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await rm(dataDir, { recursive: true, force: true });
}
