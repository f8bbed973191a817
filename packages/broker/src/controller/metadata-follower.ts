import type { Attributes, Clock, Logger, Session, Timer } from "@ottla/host";
import type { ClusterImage, ImageChange } from "@ottla/metadata";
import { pb, services } from "@ottla/protocol";
import type { AppliedIndex } from "./applied-index.ts";
import { keepSession } from "./redial.ts";

export interface MetadataFollowerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly image: ClusterImage;
  readonly applied: AppliedIndex;
  attributes(): Attributes;
  dialController(service: string, attributes: Attributes, signal: AbortSignal): Promise<Session>;
  /** Acts on a change; resolves when its partitions are open. */
  follow(change: ImageChange): Promise<void>;
  onFatal(error: Error): void;
}

/** Keeps the image a prefix of the committed metadata. */
export class MetadataFollower {
  readonly #options: MetadataFollowerOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #session: Session | null = null;
  #acknowledging: Timer | null = null;

  constructor(options: MetadataFollowerOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock, logger } = this.#options;
    this.#running = keepSession(
      {
        clock,
        logger,
        service: services.metadata,
        attributes: () => this.#options.attributes(),
        dialController: (service, attributes, signal) => this.#options.dialController(service, attributes, signal),
        serve: (session) => this.#serve(session),
      },
      this.#stop.signal,
    );
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error("the broker stops"));
    this.#acknowledging?.cancel();
    await this.#running;
  }

  /** One message a turn tells the source how far the broker is. */
  acknowledge(): void {
    if (this.#acknowledging !== null || this.#session === null) return;
    this.#acknowledging = this.#options.clock.soon(() => {
      this.#acknowledging = null;
      this.#session?.send([pb.MetadataRequest.encode({ appliedIndex: this.#options.applied.value })]).catch(() => {});
    });
  }

  async #serve(session: Session): Promise<void> {
    const { image, applied, logger } = this.#options;
    this.#session = session;
    try {
      await session.send([pb.MetadataRequest.encode({ appliedIndex: image.index })]);
      for await (const frame of session.frames) {
        const delta = pb.MetadataDelta.decode(frame);
        if (delta.index < image.index) {
          logger.debug({ index: delta.index, applied: image.index }, "A source of metadata is behind this broker; another one is asked");
          return;
        }
        const work = this.#apply(delta);
        // A large image comes in parts of one index: before the last of them nothing of it counts.
        if (delta.complete) applied.track(delta.index, work);
      }
    } finally {
      this.#session = null;
    }
  }

  async #apply(delta: pb.MetadataDelta): Promise<void> {
    const { image, follow, onFatal } = this.#options;
    try {
      await follow(image.apply(delta));
    } catch (error) {
      // What cannot be applied must not be skipped: this broker would act on a cluster that does not exist.
      onFatal(
        new Error(`Cannot apply the metadata at index ${delta.index}: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        }),
      );
      await new Promise(() => {});
    }
  }
}
