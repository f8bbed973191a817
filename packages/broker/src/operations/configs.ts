import { describeNodeConfig, describeTopicConfig, pb, ProtocolError } from "@ottla/protocol";
import { storedSettings } from "../partition/settings.ts";
import type { BrokerParts, RequestContext } from "./context.ts";
import { relay } from "./relay.ts";

export function describeConfigs(parts: BrokerParts, call: pb.DescribeConfigsCall): pb.DescribeConfigsAnswer {
  return {
    resources: call.resources.map(({ type, name, keys }) => {
      try {
        const wanted = new Set(keys);
        const configs = configsOf(parts, type, name).filter((each) => wanted.size === 0 || wanted.has(each.name));
        return { type, name, errorCode: 0, errorMessage: "", configs };
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        return { type, name, errorCode: error.code, errorMessage: error.message, configs: [] };
      }
    }),
  };
}

export function alterConfigs(parts: BrokerParts, context: RequestContext, call: pb.AlterConfigsCall): Promise<pb.AlterConfigsAnswer> {
  return relay(parts, context, "alterConfigs", call);
}

function configsOf({ image, config, loaded, nodeId }: BrokerParts, type: number, name: string): pb.DescribedConfig[] {
  if (type === pb.ResourceType.RESOURCE_TOPIC) {
    const topic = image.topicByName(name);
    if (topic === undefined)
      throw new ProtocolError("UNKNOWN_TOPIC_OR_PARTITION", `There is no topic "${name}" to describe the settings of`);
    const own = new Map(describeTopicConfig(config, topic.configs).map((each) => [each.name, each.source]));
    return describeTopicConfig(config, storedSettings(image, topic)).map((each) =>
      each.source === pb.ConfigSource.SOURCE_TOPIC && own.get(each.name) !== each.source
        ? { ...each, source: pb.ConfigSource.SOURCE_STATIC }
        : each,
    );
  }
  if (type !== pb.ResourceType.RESOURCE_BROKER)
    throw new ProtocolError(
      "INVALID_REQUEST",
      `Cannot describe resources of type ${type}: it must be ${pb.ResourceType.RESOURCE_TOPIC} (topic) or ${pb.ResourceType.RESOURCE_BROKER} (broker)`,
    );
  if (name === String(nodeId)) return describeNodeConfig(loaded);
  if (name !== "")
    throw new ProtocolError(
      "INVALID_REQUEST",
      `Node ${nodeId} cannot describe the settings of node "${name}": ask that node, or name "" for those of the whole cluster`,
    );
  const clusterWide = image.brokerDefaults();
  return describeTopicConfig(config, clusterWide).flatMap((each) =>
    clusterWide.has(each.name) ? [{ ...each, source: pb.ConfigSource.SOURCE_STATIC }] : [],
  );
}
