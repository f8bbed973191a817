import type { ClusterImage, TopicImage } from "@ottla/metadata";
import type { NodeConfig, TopicSettings, Uuid } from "@ottla/protocol";
import { TopicTraffic } from "../metrics/traffic.ts";
import { effectiveSettings } from "./settings.ts";

export interface KnownTopic {
  readonly traffic: TopicTraffic;
  /** The same object as long as nothing in it has changed. */
  settings: TopicSettings;
  settingsKey: string;
}

/** What all partitions of a topic share on this broker. */
export class KnownTopics {
  readonly #config: NodeConfig;
  readonly #image: ClusterImage;
  readonly #topics = new Map<Uuid, KnownTopic>();

  constructor(config: NodeConfig, image: ClusterImage) {
    this.#config = config;
    this.#image = image;
  }

  /** As the image says now. */
  of(topic: TopicImage): KnownTopic {
    const settings = effectiveSettings(this.#config, this.#image, topic);
    const settingsKey = JSON.stringify(settings);
    let known = this.#topics.get(topic.id);
    if (known === undefined) this.#topics.set(topic.id, (known = { traffic: new TopicTraffic(topic.name), settings, settingsKey }));
    if (known.settingsKey !== settingsKey) Object.assign(known, { settings, settingsKey });
    return known;
  }

  drop(topicId: Uuid): void {
    this.#topics.delete(topicId);
  }

  traffic(): Iterable<TopicTraffic> {
    return [...this.#topics.values()].map(({ traffic }) => traffic);
  }
}
