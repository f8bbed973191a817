import { brokerNameOf, describeNodeConfig, describeTopicConfig, nodeDefaults, pb, ProtocolError, topicNameOf } from "@ottla/protocol";
import type { BrokerParts } from "./context.ts";

/** Where a value comes from, as Kafka numbers it. */
export const configSource = { topic: 1, cluster: 3, node: 4, default: 5 } as const;

export interface ConfigSynonym {
  readonly name: string;
  readonly value: string | null;
  readonly source: number;
}

/** A setting, what applies, and behind it all that would apply without it: the first of the synonyms is in force. */
export interface ConfigEntry extends Omit<pb.DescribedConfig, "source"> {
  readonly source: number;
  readonly synonyms: readonly ConfigSynonym[];
}

/** All settings of a topic, of this node, or (a broker without a name) of the cluster.
 * @throws ProtocolError UNKNOWN_TOPIC_OR_PARTITION, INVALID_REQUEST */
export function configEntries(parts: BrokerParts, type: number, name: string): ConfigEntry[] {
  const { image, nodeId } = parts;
  if (type === pb.ResourceType.RESOURCE_TOPIC) {
    const topic = image.topicByName(name);
    if (topic !== undefined) return topicConfigEntries(parts, topic.configs);
    throw new ProtocolError("UNKNOWN_TOPIC_OR_PARTITION", `There is no topic "${name}" to describe the settings of`);
  }
  if (type !== pb.ResourceType.RESOURCE_BROKER)
    throw new ProtocolError("INVALID_REQUEST", `Cannot describe settings of resources of type ${type}: topics are 2, brokers 4`);
  if (name === "") return clusterEntries(parts);
  if (name === String(nodeId)) return nodeEntries(parts);
  throw new ProtocolError("INVALID_REQUEST", `Node ${nodeId} cannot describe the settings of node "${name}": ask that node itself`);
}

/** @param own what is set for the topic alone */
export function topicConfigEntries({ config, image }: BrokerParts, own: ReadonlyMap<string, string>): ConfigEntry[] {
  const cluster = image.brokerDefaults();
  const effective = describeTopicConfig(config, own);
  const ofNode = byName(describeTopicConfig(config, new Map()));
  const builtIn = byName(describeTopicConfig(nodeDefaults(), new Map()));
  return effective.map((row): ConfigEntry => {
    const { name } = row;
    const brokerName = brokerNameOf(name);
    const synonyms: ConfigSynonym[] = [];
    if (row.source === pb.ConfigSource.SOURCE_TOPIC) synonyms.push({ name, value: row.value ?? null, source: configSource.topic });
    const shared = cluster.get(name);
    const byDefault = builtIn.get(name)?.value ?? null;
    // What every cluster has in its records though nobody asked for it is no setting of anybody.
    if (shared !== undefined && shared !== byDefault) synonyms.push({ name: brokerName, value: shared, source: configSource.cluster });
    const node = ofNode.get(name);
    if (shared === undefined && node?.source === pb.ConfigSource.SOURCE_STATIC)
      synonyms.push({ name: brokerName, value: node.value ?? null, source: configSource.node });
    synonyms.push({ name: brokerName, value: byDefault, source: configSource.default });
    return inForce(row, synonyms);
  });
}

function clusterEntries({ config, image }: BrokerParts): ConfigEntry[] {
  const cluster = image.brokerDefaults();
  const builtIn = byName(describeTopicConfig(nodeDefaults(), new Map()));
  return describeTopicConfig(config, cluster)
    .filter(({ name }) => cluster.has(name))
    .map((row) => {
      const name = brokerNameOf(row.name);
      const byDefault = builtIn.get(row.name)?.value ?? null;
      return inForce({ ...row, name }, [
        { name, value: cluster.get(row.name) ?? null, source: configSource.cluster },
        { name, value: byDefault, source: configSource.default },
      ]);
    });
}

function nodeEntries({ loaded, image }: BrokerParts): ConfigEntry[] {
  const cluster = image.brokerDefaults();
  return describeNodeConfig(loaded).map((row) => {
    const { name, value = null } = row;
    const own = { name, value, source: row.source === pb.ConfigSource.SOURCE_STATIC ? configSource.node : configSource.default };
    const shared = cluster.get(topicNameOf(name));
    if (shared === undefined || (shared === value && own.source === configSource.default)) return inForce(row, [own]);
    // The cluster's idea counts, whatever the node's own file says.
    return inForce({ ...row, readOnly: false }, [{ name, value: shared, source: configSource.cluster }, own]);
  });
}

function inForce(row: pb.DescribedConfig, synonyms: readonly ConfigSynonym[]): ConfigEntry {
  const [first] = synonyms;
  return { ...row, value: first?.value ?? undefined, source: first?.source ?? configSource.default, synonyms };
}

function byName(rows: readonly pb.DescribedConfig[]): ReadonlyMap<string, pb.DescribedConfig> {
  return new Map(rows.map((row) => [row.name, row]));
}
