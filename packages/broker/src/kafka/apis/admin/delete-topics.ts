import { kafka, ProtocolError, type Uuid, uuidFromBytes, uuidToBytes, uuidToText } from "@ottla/protocol";
import { defineApi, type KafkaParts, type KafkaRequest } from "../../api.ts";
import { ask } from "./ask.ts";
import { Outcomes, repeated } from "./outcomes.ts";

type Answer = kafka.DeleteTopicsResponse["responses"][number];
interface Asked {
  readonly name: string | null;
  readonly topicId: Uuid;
}

const NO_ID = "00000000000000000000000000000000" as Uuid;

export const deleteTopics = defineApi<kafka.DeleteTopicsRequest, kafka.DeleteTopicsResponse>({
  api: kafka.apis.deleteTopics,
  versions: [1, 6],
  handle,
});

async function handle(
  door: KafkaParts,
  { version, context, body }: KafkaRequest<kafka.DeleteTopicsRequest>,
): Promise<kafka.DeleteTopicsResponse> {
  const outcomes = new Outcomes(door, kafka.apis.deleteTopics, version);
  const { image } = door.parts;
  const asked: readonly Asked[] = version >= 6 ? body.topics : body.topicNames.map((name) => ({ name, topicId: NO_ID }));
  const twice = repeated(asked.map(keyOf));
  const responses: Answer[] = [];
  const named: string[] = [];
  const identified: { topicId: Uuid; name: string | null }[] = [];
  for (const each of asked) {
    const refusal = refusalOf(each, twice);
    if (refusal !== null) responses.push({ ...each, ...outcomes.failed(refusal) });
    else if (each.name !== null) named.push(each.name);
    // Its name is known only as long as it exists.
    else identified.push({ topicId: each.topicId, name: image.topic(each.topicId)?.name ?? null });
  }
  if (named.length + identified.length === 0) return { responses };
  try {
    const topicIds = identified.map(({ topicId }) => uuidToBytes(topicId));
    const { topics } = await ask(door, context, body.timeoutMs, "deleteTopics", { names: named, topicIds });
    for (const [at, topic] of topics.entries()) {
      const byId = at >= named.length;
      const name = topic.name === "" ? (byId ? (identified[at - named.length]?.name ?? null) : "") : topic.name;
      responses.push({ name, topicId: topic.topicId.length === 0 ? NO_ID : uuidFromBytes(topic.topicId), ...outcomes.of(topic) });
    }
  } catch (error) {
    const outcome = outcomes.caught(error);
    responses.push(...named.map((name) => ({ name, ...outcome })), ...identified.map((each) => ({ ...each, ...outcome })));
  }
  return { responses };
}

function keyOf({ name, topicId }: Asked): string {
  return name ?? `id ${topicId}`;
}

function refusalOf(asked: Asked, twice: ReadonlySet<string>): ProtocolError | null {
  const { name, topicId } = asked;
  const text = name === null ? uuidToText(topicId) : `"${name}"`;
  if (name === null && topicId === NO_ID) return new ProtocolError("INVALID_REQUEST", "Cannot delete a topic that has neither name nor id");
  if (name !== null && topicId !== NO_ID)
    return new ProtocolError("INVALID_REQUEST", `Cannot delete topic ${text} by its name and an id at once: send one of them`);
  if (twice.has(keyOf(asked)))
    return new ProtocolError("INVALID_REQUEST", `Cannot delete topic ${text}: the request names it more than once`);
  return null;
}
