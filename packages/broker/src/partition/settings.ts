import type { LogSettings } from "@ottla/log";
import type { ClusterImage, TopicImage } from "@ottla/metadata";
import { type NodeConfig, topicSettings, type TopicSettings } from "@ottla/protocol";

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
  const defaults = image.brokerDefaults();
  if (defaults.size === 0) return topic.configs;
  const stored = new Map([...defaults, ...topic.configs]);
  // The topic's own flush.messages speaks of the flush policy too, and must not give way to the cluster's.
  if (topic.configs.get("flush.messages") === "1" && !topic.configs.has("flush.policy")) stored.delete("flush.policy");
  return stored;
}

/** A topic's own settings over those of the cluster over those of the node. */
export function effectiveSettings(config: NodeConfig, image: ClusterImage, topic: TopicImage): TopicSettings {
  return topicSettings(config, storedSettings(image, topic));
}
