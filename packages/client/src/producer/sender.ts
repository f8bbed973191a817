import type { Clock, Frame } from "@ottla/host";
import { pb } from "@ottla/protocol";
import type { Link } from "../connection/link.ts";
import { ConnectionError } from "../errors.ts";
import type { Batch } from "./batch.ts";
import type { Lane } from "./lane.ts";
import { produceFrame } from "./produce-frame.ts";
import { MAX_RECORD_BYTES } from "./settings.ts";

/** What one message carries at most, unless a single batch is larger. */
const REQUEST_BYTES = 1024 * 1024;
/** Above it what is ready gathers for the next message. */
const MAX_REQUESTS = 8;
const MAX_HANDING = 2;
/** A broker answers or closes within the request's timeout and this. */
const ANSWER_SLACK_MS = 1_000;

/** One batch in one message. */
export interface Try {
  readonly lane: Lane;
  readonly batch: Batch;
  readonly attempt: number;
}

export interface SenderOptions {
  readonly clock: Clock;
  readonly nodeId: number;
  /** The way to the node as last heard; undefined when nobody tells of it any more. */
  readonly link: () => Link | undefined;
  readonly acks: -1 | 0 | 1;
  readonly timeoutMs: number;
  /** The batch to send next, encoded; null when there is none at the moment, then {@link Sender.add} tells when there is. */
  readonly take: (lane: Lane) => Batch | null;
  readonly answered: (sent: Try, answer: pb.ProducedPartition, link: Link) => void;
  readonly failed: (sent: Try, error: ConnectionError) => void;
  /** The node cannot be reached; these lanes have something to send. */
  readonly unreachable: (lanes: readonly Lane[]) => void;
}

/** Gathers the batches of the partitions that one broker leads into few large messages. */
export class Sender {
  readonly #options: SenderOptions;
  #ready = new Set<Lane>();
  #scheduled = false;
  #connecting = false;
  #requests = 0;
  #handing = 0;
  #closed = false;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** The lane may have something to send. */
  add(lane: Lane): void {
    this.#ready.add(lane);
    this.#schedule();
  }

  close(): void {
    this.#closed = true;
    this.#ready.clear();
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    this.#options.clock.soon(() => {
      this.#scheduled = false;
      this.#run();
    });
  }

  #run(): void {
    if (this.#ready.size === 0 || this.#closed) return;
    const link = this.#options.link();
    if (link === undefined) this.#giveBack();
    else if (!link.produce.open) this.#connect(link);
    else while (this.#requests < MAX_REQUESTS && this.#handing < MAX_HANDING && this.#sendOne(link));
  }

  #connect(link: Link): void {
    if (this.#connecting) return;
    this.#connecting = true;
    link.produce.connect().then(
      () => {
        this.#connecting = false;
        this.#run();
      },
      () => {
        this.#connecting = false;
        this.#giveBack();
      },
    );
  }

  #giveBack(): void {
    const lanes = [...this.#ready];
    this.#ready.clear();
    if (!this.#closed) this.#options.unreachable(lanes);
  }

  /** Takes one batch of each lane in turn; those not reached come first next time. */
  #sendOne(link: Link): boolean {
    const tries: Try[] = [];
    let bytes = 0;
    for (let lanes = this.#ready.size; lanes > 0 && bytes < REQUEST_BYTES; lanes--) {
      const [lane] = this.#ready;
      if (lane === undefined) break;
      this.#ready.delete(lane);
      const batch = this.#options.take(lane);
      if (batch?.encoded == null) continue;
      this.#ready.add(lane);
      // It stays the lane's next one.
      if (tries.length > 0 && bytes + batch.encoded.length > MAX_RECORD_BYTES) break;
      bytes += batch.encoded.length;
      tries.push({ lane, batch, attempt: ++batch.attempt });
      batch.inFlight = true;
      batch.tried = true;
      batch.sentMs = this.#options.clock.monotonicMs();
      lane.sentTo = this.#options.nodeId;
    }
    if (tries.length > 0) this.#transmit(link, tries);
    return tries.length > 0;
  }

  #transmit(link: Link, tries: readonly Try[]): void {
    const { acks, timeoutMs } = this.#options;
    const partitions = tries.map(({ lane, batch }) => ({
      topicId: lane.topic.idBytes,
      partition: lane.partition,
      records: batch.encoded ?? new Uint8Array(0),
    }));
    const encode = (correlationId: number): Frame => produceFrame(correlationId, acks, timeoutMs, partitions);
    this.#requests++;
    this.#handing++;
    let handing = true;
    const handed = (): void => {
      if (handing) this.#handing--;
      handing = false;
      this.#schedule();
    };
    const answered =
      acks === 0
        ? link.produce.post(encode(0)).then(() => null)
        : link.produce.request(encode, { timeoutMs: timeoutMs + ANSWER_SLACK_MS, what: "Produce", handed });
    answered
      .then(
        (answer) => this.#settle(tries, answer, link),
        (error: unknown) => {
          const failure =
            error instanceof ConnectionError
              ? error
              : new ConnectionError(link.label, true, `Produce failed: ${String(error)}`, { cause: error });
          for (const sent of tries) this.#options.failed(sent, failure);
        },
      )
      .finally(() => {
        this.#requests--;
        handed();
      });
  }

  #settle(tries: readonly Try[], answer: pb.ProduceResponse | null, link: Link): void {
    tries.forEach((sent, index) => {
      const { lane } = sent;
      const isOurs = (each: pb.ProducedPartition | undefined): each is pb.ProducedPartition =>
        each?.partition === lane.partition && Buffer.compare(each.topicId, lane.topic.idBytes) === 0;
      if (answer === null) {
        this.#options.answered(sent, pb.ProducedPartition.create({ baseOffset: -1, logAppendTimeMs: -1 }), link);
        return;
      }
      const inPlace = answer.partitions[index];
      const result = isOurs(inPlace) ? inPlace : answer.partitions.find(isOurs);
      if (result !== undefined) this.#options.answered(sent, result, link);
      else
        this.#options.failed(
          sent,
          new ConnectionError(link.label, true, `${link.label} left ${lane.topic.name}-${lane.partition} out of its answer`),
        );
    });
  }
}
