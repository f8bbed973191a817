import type { ErrorName, pb } from "@ottla/protocol";
import { ProtocolError } from "@ottla/protocol";
import type { Cluster } from "../connection/cluster.ts";
import type { Link } from "../connection/link.ts";
import { messageOf, type ConnectionError } from "../errors.ts";
import type { Batch } from "./batch.ts";
import type { Lane } from "./lane.ts";
import type { Ledger } from "./ledger.ts";
import type { Try } from "./sender.ts";
import type { ProducerSettings } from "./settings.ts";
import { answeredError, verdict } from "./verdict.ts";

/** No broker takes only smaller messages. */
const SURELY_TAKEN_BYTES = 1024 * 1024;

export interface OutcomesOptions {
  readonly cluster: Cluster;
  readonly settings: ProducerSettings;
  readonly ledger: Ledger;
  /** Before the lane tries again. */
  readonly pause: (lane: Lane) => void;
  /** The lane may be able to send. */
  readonly wake: (lane: Lane) => void;
}

/** What becomes of a batch that was sent: delivered, tried again in whole or in parts, given up. */
export class Outcomes {
  readonly #options: OutcomesOptions;

  constructor(options: OutcomesOptions) {
    this.#options = options;
  }

  answered({ lane, batch, attempt }: Try, answer: pb.ProducedPartition, link: Link): void {
    if (batch.settled || batch.attempt !== attempt) return;
    batch.inFlight = false;
    const outcome = verdict(answer, batch);
    if (outcome === "done") return this.#deliver(lane, batch, answer.baseOffset, answer.logAppendTimeMs);
    if (outcome === "done-elsewhere") return this.#deliver(lane, batch, -1, -1);
    const error = answeredError(answer, link.label);
    if (outcome === "failed") return this.fail(lane, batch, error.error, error.message, !answer.notAppended, error);
    if (outcome === "split") {
      lane.replace(batch, batch.split());
      batch.settled = true;
    } else if (outcome === "out-of-order") {
      const explained = lane.outOfOrder(batch, error);
      if (!explained) {
        this.#options.cluster.logger.warn(
          { topic: lane.topic.name, partition: lane.partition, error: error.message },
          "the broker misses earlier records of this producer; going on under a fresh producer id",
        );
        this.#options.pause(lane);
      }
    } else {
      lane.again(batch, error, !answer.notAppended);
      this.#options.pause(lane);
      if (outcome === "elsewhere") this.#options.cluster.metadata.hint(lane.topic.id, lane.partition, answer.leader);
    }
    this.#options.wake(lane);
  }

  broken({ lane, batch, attempt }: Try, error: ConnectionError): void {
    if (batch.settled || batch.attempt !== attempt) return;
    // A message above the broker's limit ends the stream: sent again, a large batch would end it again.
    if (error.sent && error.reason === "RESOURCE_EXHAUSTED" && batch.bytes > SURELY_TAKEN_BYTES) {
      const why = `${error.message}; lower batchBytes, or raise the broker's grpc.max.message.bytes`;
      return this.fail(lane, batch, "MESSAGE_TOO_LARGE", why, true, error);
    }
    lane.again(batch, error, error.sent);
    this.#options.wake(lane);
  }

  expire(lane: Lane, batch: Batch): void {
    const last = batch.lastError ?? this.#options.cluster.metadata.failure;
    const why = `not acknowledged within ${this.#options.settings.deliveryTimeoutMs} ms (deliveryTimeoutMs)${last === null ? "" : `; last: ${messageOf(last)}`}`;
    this.fail(lane, batch, last instanceof ProtocolError ? last.error : "REQUEST_TIMED_OUT", why, batch.inFlight, last);
  }

  fail(lane: Lane, batch: Batch, error: ErrorName, why: string, uncertain: boolean, cause: unknown): void {
    this.#options.ledger.fail(lane, batch, error, why, uncertain, cause);
    this.#options.wake(lane);
  }

  #deliver(lane: Lane, batch: Batch, baseOffset: number, appendTimeMs: number): void {
    this.#options.ledger.deliver(lane, batch, baseOffset, appendTimeMs);
    this.#options.wake(lane);
  }
}
