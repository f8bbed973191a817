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

/** A topic's own settings over those of the cluster over those of the node. */
export function effectiveSettings(config: NodeConfig, image: ClusterImage, topic: TopicImage): TopicSettings {
  const defaults = image.brokerDefaults();
  return topicSettings(config, defaults.size === 0 ? topic.configs : new Map([...defaults, ...topic.configs]));
}

/** -1 stands for the majority of the replicas. */
export function effectiveMinInSync(settings: TopicSettings, replicas: number): number {
  return settings.minInsyncReplicas === -1 ? Math.floor(replicas / 2) + 1 : settings.minInsyncReplicas;
}
