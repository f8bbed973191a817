import { kafka, type pb, ProtocolError } from "@ottla/protocol";
import { defineApi, type KafkaParts, type KafkaRequest } from "../../api.ts";
import { ask } from "./ask.ts";
import { Outcomes, repeated } from "./outcomes.ts";

type Answer = kafka.CreatePartitionsResponse["results"][number];

export const createPartitions = defineApi<kafka.CreatePartitionsRequest, kafka.CreatePartitionsResponse>({
  api: kafka.apis.createPartitions,
  versions: [0, 3],
  handle,
});

async function handle(
  door: KafkaParts,
  { version, context, body }: KafkaRequest<kafka.CreatePartitionsRequest>,
): Promise<kafka.CreatePartitionsResponse> {
  const outcomes = new Outcomes(door, kafka.apis.createPartitions, version);
  const twice = repeated(body.topics.map(({ name }) => name));
  const answers = new Map<string, Answer>();
  const wanted: pb.NewPartitions[] = [];
  for (const { name, count, assignments } of body.topics) {
    const refusal = twice.has(name)
      ? new ProtocolError("INVALID_REQUEST", `Cannot add partitions to topic "${name}": the request names it more than once`)
      : count < 1
        ? new ProtocolError("INVALID_PARTITIONS", `Cannot bring topic "${name}" to ${count} partitions: ask for more than it has`)
        : null;
    if (refusal !== null) answers.set(name, { name, ...outcomes.failed(refusal) });
    else wanted.push({ name, total: count, assignments: (assignments ?? []).map(({ brokerIds }) => ({ nodes: [...brokerIds] })) });
  }
  if (wanted.length > 0) {
    try {
      const { topics } = await ask(door, context, body.timeoutMs, "createPartitions", { topics: wanted, validateOnly: body.validateOnly });
      for (const topic of topics) answers.set(topic.name, { name: topic.name, ...outcomes.of(topic) });
    } catch (error) {
      const outcome = outcomes.caught(error);
      for (const { name } of wanted) answers.set(name, { name, ...outcome });
    }
  }
  return { results: [...answers.values()] };
}
