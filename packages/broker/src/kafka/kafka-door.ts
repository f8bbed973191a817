import type { Clock, FramedConnection, Logger, Timer } from "@ottla/host";
import { kafka } from "@ottla/protocol";
import type { ByteBudget } from "../byte-budget.ts";
import type { Timeouts } from "../timeouts.ts";
import { CloseConnection, type KafkaParts } from "./api.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import type { KafkaEntrance } from "./kafka-entrance.ts";
import { Turns } from "./turns.ts";

/** How often connections are looked at that say nothing, or do not come on with what they say. */
const LOOK_EVERY_MS = 1000;

export interface KafkaDoorOptions {
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  readonly logger: Logger;
  readonly entrance: KafkaEntrance;
  readonly door: KafkaParts;
  readonly requestBytes: ByteBudget;
  readonly answerBytes: ByteBudget;
  readonly maxIdleMs: number;
}

/** The door for Kafka's clients: all connections of all its listeners. */
export class KafkaDoor {
  readonly #options: KafkaDoorOptions;
  readonly #connectionOptions: ConnectionOptions;
  readonly #connections = new Set<Connection>();
  #timer: Timer | null = null;
  #closed = false;

  constructor(options: KafkaDoorOptions) {
    this.#options = options;
    const { clock, entrance } = options;
    this.#connectionOptions = {
      ...options,
      turns: new Turns(clock),
      arrivingBytes: entrance.arrivingBytes,
      closing: (...why) => this.#closing(...why),
    };
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Lets in who waits, and whoever comes. */
  open(): void {
    this.#options.entrance.serve((listener, connection) => this.#accept(listener, connection));
  }

  /** Takes nothing new, answers what it has taken, then ends every connection. */
  async drain(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#connections].map((connection) => connection.drain()));
  }

  /** Ends every connection, answered or not. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    for (const connection of this.#connections) connection.close();
  }

  #accept(listener: string, framed: FramedConnection): void {
    if (this.#closed) return framed.close();
    const connection = new Connection(framed, listener, this.#connectionOptions);
    this.#connections.add(connection);
    void connection.run().finally(() => this.#connections.delete(connection));
    this.#timer ??= this.#lookLater();
  }

  #lookLater(): Timer {
    const { clock } = this.#options;
    return clock.after(LOOK_EVERY_MS, () => {
      const nowMs = clock.monotonicMs();
      for (const connection of this.#connections) connection.look(nowMs);
      this.#timer = this.#connections.size === 0 || this.#closed ? null : this.#lookLater();
    });
  }

  #closing(peer: string, clientId: string, request: string, error: unknown): void {
    const { entrance, logger } = this.#options;
    const fields = { peer, clientId, request };
    if (error instanceof kafka.MalformedFrame || error instanceof CloseConnection)
      entrance.complaints.warn(`${error.name} ${request}`, fields, `The connection of a Kafka client is closed: ${error.message}`);
    else logger.error({ ...fields, err: error }, "A request of a Kafka client failed unexpectedly, and its connection is closed");
  }
}
