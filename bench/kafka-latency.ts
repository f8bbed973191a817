// librdkafka at 5 000 records a second, by the clock: percentiles from handing a record over to its acknowledgement, with a linger of 5 ms and without
// any, for both flush policies; against Ottla and Kafka in turn. --rounds N  --kafka-libs DIR; in the environment: NODES=1|3, POLICIES=commit,os
import { kafka, ottla, type Policy, type Subject } from "./support/kafka-subject.ts";
import { createKafkaTopic } from "./support/kafka-topic.ts";
import { pacedLatency } from "./support/librdkafka.ts";
import { benchOptions } from "./support/options.ts";
import { line, machine, ratio } from "./support/report.ts";

const rate = 5_000;
const { rounds, kafkaLibs, directory } = await benchOptions();
const nodes = process.env["NODES"] === "3" ? 3 : 1;
const policies = (process.env["POLICIES"] ?? "os,commit").split(",") as Policy[];

console.log(machine());
for (const policy of policies)
  for (const lingerMs of [5, 0]) {
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round += 1) {
      ours.push(await p99(await ottla({ nodes, policy, directory }), lingerMs));
      if (kafkaLibs) theirs.push(await p99(await kafka(kafkaLibs, { nodes, policy, directory }), lingerMs));
    }
    const what = `p99 at ${rate} records/s, linger ${lingerMs} ms, ${policy}, ${nodes} node(s)`;
    console.log(line(`${what}: Ottla`, ours, "ms", 1));
    if (!kafkaLibs) continue;
    console.log(line(`${what}: Kafka`, theirs, "ms", 1));
    console.log(ratio(`${what}: Kafka over Ottla`, theirs, ours));
  }

async function p99(subject: Subject, lingerMs: number): Promise<number> {
  await using running = subject;
  await createKafkaTopic(running.bootstrap, "latency", 6, running.topicConfigs, nodes);
  const load = { topic: "latency", rate, warmup: rate * 5, records: rate * 15, lingerMs };
  return (await pacedLatency(running.bootstrap, load)).latencyMs?.p99 ?? Number.NaN;
}
