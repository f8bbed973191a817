import type { Attributes, Clock, Logger, NetworkError, Session, Timer } from "@ottla/host";
import type { ClusterImage, ImageChange } from "@ottla/metadata";
import { pb, services } from "@ottla/protocol";
import type { AppliedIndex } from "./applied-index.ts";
import type { Candidate } from "./controllers.ts";
import { Redial } from "./redial.ts";

/** A source that is further behind than this is given up for another. */
const BEHIND_MAX_MS = 1000;

export interface MetadataFollowerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly image: ClusterImage;
  readonly applied: AppliedIndex;
  attributes(): Attributes;
  candidates(): Candidate[];
  /** Acts on a change; resolves when its partitions are open. */
  follow(change: ImageChange): Promise<void>;
  /** A source says who leads the controllers. */
  onLeader(nodeId: number, term: number): void;
  onRefused(error: NetworkError): void;
  onFatal(error: Error): void;
}

/** Keeps the image a prefix of the committed metadata (P20), from whichever controller is not behind. */
export class MetadataFollower {
  readonly #options: MetadataFollowerOptions;
  readonly #redial: Redial;
  #session: Session | null = null;
  #acknowledging: Timer | null = null;
  #behind: Timer | null = null;

  constructor(options: MetadataFollowerOptions) {
    this.#options = options;
    this.#redial = new Redial({ ...options, service: services.metadata, serve: (session) => this.#serve(session) });
  }

  start(): void {
    this.#redial.start();
  }

  async close(): Promise<void> {
    this.#acknowledging?.cancel();
    this.#behind?.cancel();
    this.#behind = null;
    await this.#redial.close();
  }

  /** One message a turn tells the source how far the broker is. */
  acknowledge(): void {
    if (this.#acknowledging !== null || this.#session === null) return;
    this.#acknowledging = this.#options.clock.soon(() => {
      this.#acknowledging = null;
      this.#session?.send([pb.MetadataRequest.encode({ appliedIndex: this.#options.applied.value })]).catch(() => {});
    });
  }

  /** The controllers have committed so far: the source has a while to bring it. */
  committed(index: number): void {
    const { clock, image, logger } = this.#options;
    if (index <= image.index || this.#behind !== null) return;
    this.#behind = clock.after(BEHIND_MAX_MS, () => {
      this.#behind = null;
      if (image.index >= index) return;
      logger.info(
        { applied: image.index, committed: index },
        `A source of metadata is more than ${BEHIND_MAX_MS} ms behind; another is asked`,
      );
      this.#session?.close();
    });
  }

  /** @returns whether the source had anything to tell */
  async #serve(session: Session): Promise<boolean> {
    const { image, applied, logger, onLeader } = this.#options;
    this.#session = session;
    let served = false;
    try {
      await session.send([pb.MetadataRequest.encode({ appliedIndex: image.index })]);
      for await (const frame of session.frames) {
        const delta = pb.MetadataDelta.decode(frame);
        if (delta.index < image.index) {
          logger.debug({ index: delta.index, applied: image.index }, "A source of metadata is behind this broker; another one is asked");
          return false;
        }
        served = true;
        const work = this.#apply(delta);
        // A large image comes in parts of one index: before the last of them nothing of it counts.
        if (delta.complete) applied.track(delta.index, work);
        onLeader(delta.controllerId, delta.term);
      }
      return served;
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
