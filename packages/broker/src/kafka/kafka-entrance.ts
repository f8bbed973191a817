import type { Clock, FramedConnection, FramedListenOptions, FrameRoom, Logger, Timer } from "@ottla/host";
import type { NodeConfig } from "@ottla/protocol";
import { ByteBudget } from "../byte-budget.ts";
import { Complaints } from "./complaints.ts";
import { foreign } from "./foreign.ts";

/** Who comes while the broker starts waits so long: most starts are done by then, and a client that has other brokers to ask goes there. */
const WAIT_MAX_MS = 3000;

export interface EntranceOptions {
  readonly config: NodeConfig;
  readonly clock: Clock;
  readonly logger: Logger;
}

export type TakeConnection = (listener: string, connection: FramedConnection) => void;

/** What lets Kafka's clients in. It is there before the broker, so that a port in use is found before anything is begun, and the registration can
 * name the ports. */
export class KafkaEntrance implements FramedListenOptions {
  readonly maxFrameBytes: number;
  readonly maxConnections: number;
  /** Of all large requests together that are arriving. */
  readonly arrivingBytes: ByteBudget;
  readonly complaints: Complaints;
  readonly #clock: Clock;
  #take: TakeConnection | null = null;
  #open = 0;
  readonly #waiting = new Map<FramedConnection, { listener: string; timer: Timer }>();

  constructor({ config, clock, logger }: EntranceOptions) {
    this.maxFrameBytes = config.socketRequestMaxBytes;
    this.maxConnections = config.maxConnections;
    this.arrivingBytes = new ByteBudget(Math.ceil(config.queuedMaxRequestBytes / 2));
    this.complaints = new Complaints(clock, logger);
    this.#clock = clock;
  }

  get room(): FrameRoom {
    return this.arrivingBytes;
  }

  malformed(head: Uint8Array): string {
    return foreign(head, this.maxFrameBytes);
  }

  full(peer: string): void {
    this.complaints.warn(
      "full",
      { peer },
      `A Kafka client is turned away: there are ${this.maxConnections} connections, which is the limit; close some or raise max.connections`,
    );
  }

  accept(listener: string, connection: FramedConnection): void {
    // Each listener bounds its own; this bounds them together.
    if (this.#open >= this.maxConnections) {
      this.full(connection.peer);
      return connection.close("too many connections");
    }
    this.#open++;
    void connection.closed.then(({ code, message }) => {
      this.#open--;
      // What nobody has read, and nobody will, gives back its room.
      if (this.#forget(connection)) connection.close();
      if (code === "MALFORMED") {
        const { peer } = connection;
        this.complaints.warn(
          `malformed ${message.slice(0, 20)}`,
          { peer, listener },
          `Whoever connects from ${peer} to listener ${listener} ${message}`,
        );
      }
    });
    if (this.#take !== null) return this.#take(listener, connection);
    this.#waiting.set(connection, { listener, timer: this.#clock.after(WAIT_MAX_MS, () => connection.close()) });
  }

  /** From now on, and to those who wait. */
  serve(take: TakeConnection): void {
    this.#take = take;
    for (const [connection, { listener }] of this.#waiting) {
      this.#forget(connection);
      take(listener, connection);
    }
  }

  #forget(connection: FramedConnection): boolean {
    this.#waiting.get(connection)?.timer.cancel();
    return this.#waiting.delete(connection);
  }
}
