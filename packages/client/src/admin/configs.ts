import { pb } from "@ottla/protocol";
import type { CallLimits, Cluster } from "../connection/cluster.ts";
import type { ConfigChanges, ConfigEntry, ConfigResource, DescribedConfigs } from "./api.ts";
import { succeeded } from "./outcomes.ts";

const sources = new Map<number, ConfigEntry["source"]>([
  [pb.ConfigSource.SOURCE_TOPIC, "topic"],
  [pb.ConfigSource.SOURCE_STATIC, "static"],
  [pb.ConfigSource.SOURCE_DEFAULT, "default"],
]);

/** Kafka's numbers of DescribeConfigs. */
const types = new Map<number, ConfigEntry["type"]>([
  [1, "boolean"],
  [2, "string"],
  [3, "int"],
  [5, "long"],
  [6, "double"],
  [7, "list"],
  [9, "password"],
]);

export async function describeConfigs(
  cluster: Cluster,
  resources: readonly ConfigResource[],
  names: readonly string[],
  limits: CallLimits,
): Promise<DescribedConfigs[]> {
  const value = { resources: resources.map((resource) => ({ ...target(resource), keys: [...names] })) };
  const answer = await describedBy(cluster, resources, value, limits);
  return succeeded("describe", answer, label).map(({ type, name, configs }) => ({
    resource: resourceOf(type, name),
    configs: configs.map(toEntry),
  }));
}

export async function alterConfigs(
  cluster: Cluster,
  changes: readonly ConfigChanges[],
  validateOnly: boolean,
  limits: CallLimits,
): Promise<void> {
  const resources = changes.map(({ resource, set = {}, append = {}, subtract = {} }) => ({
    ...target(resource),
    changes: [
      ...Object.entries(set).map(([name, value]) => ({
        name,
        operation: value === null ? pb.AlterOperation.ALTER_DELETE : pb.AlterOperation.ALTER_SET,
        value: value ?? undefined,
      })),
      ...Object.entries(append).map(([name, value]) => ({ name, operation: pb.AlterOperation.ALTER_APPEND, value })),
      ...Object.entries(subtract).map(([name, value]) => ({ name, operation: pb.AlterOperation.ALTER_SUBTRACT, value })),
    ],
  }));
  const answer = await cluster.call("alterConfigs", { case: "alterConfigs", value: { resources, validateOnly } }, limits);
  succeeded("alter the settings of", answer.resources, label);
}

/** A node's own settings only that node knows. */
async function describedBy(
  cluster: Cluster,
  resources: readonly ConfigResource[],
  value: pb.DescribeConfigsCall,
  limits: CallLimits,
): Promise<pb.DescribedResource[]> {
  const nodes = new Map<number | undefined, pb.ConfigResource[]>();
  value.resources.forEach((asked, index) => {
    const resource = resources[index];
    const node = resource !== undefined && "broker" in resource && resource.broker !== "default" ? resource.broker : undefined;
    nodes.set(node, [...(nodes.get(node) ?? []), asked]);
  });
  const answers = await Promise.all(
    [...nodes].map(([node, asked]) =>
      cluster.call(
        "describeConfigs",
        { case: "describeConfigs", value: { resources: asked } },
        node === undefined ? limits : { ...limits, node },
      ),
    ),
  );
  return answers.flatMap((answer) => answer.resources);
}

function target(resource: ConfigResource): { type: pb.ResourceType; name: string } {
  if ("topic" in resource) return { type: pb.ResourceType.RESOURCE_TOPIC, name: resource.topic };
  return { type: pb.ResourceType.RESOURCE_BROKER, name: resource.broker === "default" ? "" : String(resource.broker) };
}

function resourceOf(type: pb.ResourceType, name: string): ConfigResource {
  if (type === pb.ResourceType.RESOURCE_TOPIC) return { topic: name };
  return { broker: name === "" ? "default" : Number(name) };
}

function label({ type, name }: { type: pb.ResourceType; name: string }): string {
  if (type === pb.ResourceType.RESOURCE_TOPIC) return `topic "${name}"`;
  return name === "" ? "all brokers" : `broker ${name}`;
}

function toEntry({ name, value, source, readOnly, sensitive, valueType, documentation, withoutEffect }: pb.DescribedConfig): ConfigEntry {
  return {
    name,
    value: value ?? null,
    source: sources.get(source) ?? "unknown",
    readOnly,
    sensitive,
    type: types.get(valueType) ?? "unknown",
    documentation,
    withoutEffect,
  };
}
