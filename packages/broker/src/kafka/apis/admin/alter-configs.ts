import { kafka, pb, topicNameOf } from "@ottla/protocol";
import { defineApi, type KafkaParts, type KafkaRequest } from "../../api.ts";
import { USUAL_TIMEOUT_MS, ask } from "./ask.ts";
import { Outcomes } from "./outcomes.ts";

/** All that was set for a resource gives way to what is named here. */
export const alterConfigs = defineApi<kafka.AlterConfigsRequest, kafka.AlterConfigsResponse>({
  api: kafka.apis.alterConfigs,
  versions: [0, 2],
  async handle(door, { version, context, body }) {
    // What is set now must be known in full, to be taken away.
    await door.parts.link.caughtUp();
    const resources = body.resources.map(({ resourceType: type, resourceName: name, configs }) => {
      const changes = configs.map((config) => change(config.name, pb.AlterOperation.ALTER_SET, config.value));
      const kept = new Set(configs.map((config) => (type === pb.ResourceType.RESOURCE_BROKER ? topicNameOf(config.name) : config.name)));
      const gone = presentNames(door, type, name).filter((each) => !kept.has(each));
      return { type, name, changes: [...changes, ...gone.map((each) => change(each, pb.AlterOperation.ALTER_DELETE, null))] };
    });
    return { responses: await altered(door, context, kafka.apis.alterConfigs, version, { resources, validateOnly: body.validateOnly }) };
  },
});

/** Changes single settings, KIP-339. */
export const incrementalAlterConfigs = defineApi<kafka.IncrementalAlterConfigsRequest, kafka.IncrementalAlterConfigsResponse>({
  api: kafka.apis.incrementalAlterConfigs,
  versions: [0, 1],
  async handle(door, { version, context, body }) {
    const resources = body.resources.map(({ resourceType: type, resourceName: name, configs }) => ({
      type,
      name,
      changes: configs.map((config) => change(config.name, config.configOperation, config.value)),
    }));
    const call = { resources, validateOnly: body.validateOnly };
    return { responses: await altered(door, context, kafka.apis.incrementalAlterConfigs, version, call) };
  },
});

function change(name: string, operation: pb.AlterOperation, value: string | null): pb.AlterConfig {
  return { name, operation, value: value ?? undefined };
}

function presentNames({ parts: { image } }: KafkaParts, type: number, name: string): string[] {
  if (type === pb.ResourceType.RESOURCE_TOPIC) return [...(image.topicByName(name)?.configs.keys() ?? [])];
  return type === pb.ResourceType.RESOURCE_BROKER && name === "" ? [...image.brokerDefaults().keys()] : [];
}

async function altered(
  door: KafkaParts,
  context: KafkaRequest<unknown>["context"],
  api: kafka.Api,
  version: number,
  call: pb.AlterConfigsCall,
): Promise<kafka.AlterConfigsResponse["responses"]> {
  const outcomes = new Outcomes(door, api, version);
  try {
    const { resources } = await ask(door, context, USUAL_TIMEOUT_MS, "alterConfigs", call);
    return resources.map((resource) => ({ ...outcomes.of(resource), resourceType: resource.type, resourceName: resource.name }));
  } catch (error) {
    const outcome = outcomes.caught(error);
    return call.resources.map(({ type, name }) => ({ ...outcome, resourceType: type, resourceName: name }));
  }
}
