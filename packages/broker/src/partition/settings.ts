import type { LogSettings } from "@ottla/log";
import type { ClusterImage, TopicImage } from "@ottla/metadata";
import {
  foundingSettings,
  type LoadedConfig,
  type NodeConfig,
  storedTopicSettings,
  topicNameOf,
  topicSettings,
  type TopicSettings,
} from "@ottla/protocol";

export function logSettings(topic: TopicSettings): LogSettings {
  return {
    segmentBytes: topic.segmentBytes,
    segmentMs: topic.segmentMs,
    indexIntervalBytes: topic.indexIntervalBytes,
    retentionMs: topic.retentionMs,
    retentionBytes: topic.retentionBytes,
    flush: topic.flushPolicy,
  };
}

/** A topic's own settings over those of the cluster. */
export function storedSettings(image: ClusterImage, topic: TopicImage): ReadonlyMap<string, string> {
  return storedTopicSettings(image.brokerDefaults(), topic.configs);
}

/** A topic's own settings over those of the cluster over those of the node. */
export function effectiveSettings(config: NodeConfig, image: ClusterImage, topic: TopicImage): TopicSettings {
  return topicSettings(config, storedSettings(image, topic));
}

/** What the node's own file, environment or flags say of settings that the cluster has in its records: it has no effect. */
export function overruledSettings({ config, entries }: LoadedConfig, image: ClusterImage): string[] {
  const defaults = image.brokerDefaults();
  return [...foundingSettings(config)].flatMap(([name, own]) => {
    const inForce = defaults.get(name);
    const nodeName = [...entries.keys()].find((each) => topicNameOf(each) === name) ?? name;
    if (inForce === undefined || inForce === own || entries.get(nodeName)?.source === "default") return [];
    return [
      `${nodeName}=${own} has no effect: the cluster was founded with ${inForce}, and all nodes follow it; change it with: ottla config alter --node default --set ${name}=${own}`,
    ];
  });
}
