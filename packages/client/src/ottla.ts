import type { Host, Logger } from "@ottla/host";
import { Admin } from "./admin/admin.ts";
import type { Assignable, ConsumerOptions, RecordOf } from "./consumer/api.ts";
import { Consumer } from "./consumer/consumer.ts";
import type { ProducerOptions } from "./producer/api.ts";
import { Producer } from "./producer/producer.ts";

export interface OttlaOptions {
  /** Some brokers of the cluster as `host:port`; dead ones are skipped, the others are found through them. */
  readonly bootstrap: string | readonly string[];
  /** How brokers name this program in logs and metrics. `ottla-client`. */
  readonly clientId?: string;
  /** What the machine offers; tests pass another one. */
  readonly host?: Host;
  readonly logger?: Logger;
  /** Of one request until its answer. 30 000 ms. */
  readonly requestTimeoutMs?: number;
  /** How old what is known of topics and leaders may become. 60 000 ms. */
  readonly metadataMaxAgeMs?: number;
}

export class Ottla implements AsyncDisposable {
  constructor(options: OttlaOptions) { void options; }
  producer(options?: ProducerOptions): Producer { void options; return new Producer(); }
  consumer<const A extends Assignable>(options: ConsumerOptions<A>): Consumer<RecordOf<A>> { void options; return new Consumer(); }
  admin(): Admin { return new Admin(); }
  close(): Promise<void> { return Promise.resolve(); }
  [Symbol.asyncDispose](): Promise<void> { return this.close(); }
}
