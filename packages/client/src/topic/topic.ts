import { string, type Codec } from "./codec.ts";

/** A topic's name with how its values and keys are written. Made by {@link topic}. */
export interface Topic<V, K> {
  readonly name: string;
  readonly value: Codec<V>;
  readonly key: Codec<K>;
}

/** A typed topic: `topic("orders", json<Order>())`. Keys are UTF-8 text unless a codec says otherwise. */
export function topic<V>(name: string, value: Codec<V>): Topic<V, string>;
export function topic<V, K>(name: string, value: Codec<V>, options: { key: Codec<K> }): Topic<V, K>;
export function topic<V, K>(name: string, value: Codec<V>, options?: { key: Codec<K> }): Topic<V, K> | Topic<V, string> {
  return options === undefined ? { name, value, key: string() } : { name, value, key: options.key };
}

export function topicName(topicOrName: string | Topic<unknown, unknown>): string {
  return typeof topicOrName === "string" ? topicOrName : topicOrName.name;
}
