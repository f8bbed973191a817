import { sequencePlus, type ProtocolError } from "@ottla/protocol";
import type { TopicInfo } from "../connection/topics.ts";
import type { Batch } from "./batch.ts";

const MAX_IN_FLIGHT = 5;

/** Under which name batches are sequenced (KIP-98). */
export interface Identity {
  readonly producerId: number;
  readonly epoch: number;
}

/** The batches of one partition, from the first record to the outcome, and their sequences.
 *
 * Sequences are given when a batch is first taken for sending, and stay with it over all tries, so that the broker knows a repetition. A batch
 * that leaves without success leaves a hole, which the broker will not let later sequences of this identity pass. Then no new
 * batch is sequenced; those already sent are resent as they are until each is acknowledged or refused as out of order, which proves
 * that it is not in the log; after that the rest begins anew under a fresh identity (as KIP-360 does with a new epoch). */
export class Lane {
  readonly partition: number;
  readonly idempotent: boolean;
  topic: TopicInfo;
  open: Batch | null = null;
  identity: Identity | null = null;
  /** The node that the last batch went to. */
  sentTo: number | null = null;
  /** Waits for an identity. */
  identifying = false;
  /** Monotonic; nothing is sent before. */
  retryAtMs = Number.NEGATIVE_INFINITY;
  failures = 0;
  /** Who led when it was last held back, and since when. */
  failedUnder: string | null = null;
  #nextSequence = 0;
  #places = 0;
  /** The broker knows this identity: from now on it checks that sequences follow each other. */
  #confirmed = false;
  #hole = false;
  #sealed: Batch[] = [];
  /** In order of their sequences. */
  #sent: Batch[] = [];
  /** Proven not to be in the log, to be sequenced anew; in order of their places. */
  #returned: Batch[] = [];

  constructor(topic: TopicInfo, partition: number, idempotent: boolean) {
    this.topic = topic;
    this.partition = partition;
    this.idempotent = idempotent;
  }

  get idle(): boolean {
    return this.open === null && this.#sealed.length + this.#sent.length + this.#returned.length === 0;
  }

  /** Sent or not, oldest first. */
  *batches(): Generator<Batch> {
    yield* this.#returned;
    for (const batch of this.#sent) if (!batch.acknowledged) yield batch;
    yield* this.#sealed;
    if (this.open !== null) yield this.open;
  }

  /** Nothing can be sent before {@link begin}. */
  get needsIdentity(): boolean {
    return this.idempotent && this.#sent.length === 0 && (this.#hole || this.identity === null) && !this.idle;
  }

  begin(identity: Identity): void {
    this.identity = identity;
    this.#nextSequence = 0;
    this.#confirmed = false;
    this.#hole = false;
    this.#sealed = [...this.#returned, ...this.#sealed];
    this.#returned = [];
  }

  seal(): void {
    if (this.open !== null) this.#sealed.push(this.open);
    this.open = null;
  }

  /** What to send now, or to encode first. Without idempotence one at a time, or a repetition could overtake; with it one until the
   * first acknowledgement, because a broker that knows nothing of an identity takes any sequence (P17). */
  take(nowMs: number): Batch | null {
    if (nowMs < this.retryAtMs) return null;
    const window = this.idempotent && this.#confirmed ? MAX_IN_FLIGHT : 1;
    let inFlight = 0;
    for (const batch of this.#sent) if (batch.inFlight) inFlight++;
    if (inFlight >= window) return null;
    const again = this.#sent.find((batch) => !batch.inFlight && !batch.acknowledged);
    // While a batch is being compressed the next ones can be, too.
    if (again === undefined || again.encoding) return this.#takeNew(window);
    return again.behind === null || !this.#sent.includes(again.behind) ? again : null;
  }

  /** It keeps its place in the window until all before it are acknowledged: a broker remembers only the last five batches, so one that
   * falls further behind could be repeated without being known again. */
  acknowledged(batch: Batch): void {
    batch.acknowledged = true;
    this.#slide();
    this.#confirmed = true;
    this.failures = 0;
    this.retryAtMs = Number.NEGATIVE_INFINITY;
  }

  /** It will be sent again as it is. */
  again(batch: Batch, error: ProtocolError, appendedMaybe: boolean): void {
    batch.inFlight = false;
    batch.lastError = error;
    if (appendedMaybe) batch.uncertain = true;
  }

  /** The broker misses records before it: so it is not in the log. `true` when an earlier batch of ours explains that. */
  outOfOrder(batch: Batch, error: ProtocolError): boolean {
    const [first] = this.#sent;
    if (first !== undefined && first !== batch) {
      this.again(batch, error, false);
      batch.behind = first;
      return true;
    }
    const explained = this.#hole;
    this.#hole = true;
    batch.uncertain = false;
    batch.lastError = error;
    this.#return(batch);
    this.#returnUntried();
    return explained;
  }

  /** It leaves without success. */
  drop(batch: Batch, certain: boolean): void {
    const last = this.#sent.at(-1) === batch;
    this.#remove(batch);
    if (batch.sequence === -1) return;
    if (last && certain && !batch.uncertain && !this.#hole) this.#nextSequence = batch.sequence;
    else this.#hole = true;
    if (this.#hole) this.#returnUntried();
  }

  /** The halves take its place, with its sequences. */
  replace(batch: Batch, parts: readonly [Batch, Batch]): void {
    const index = this.#sent.indexOf(batch);
    if (index >= 0) this.#sent.splice(index, 1, ...parts);
  }

  /** The topic is another one of the same name: nothing sent before counts there. */
  restart(topic: TopicInfo): void {
    this.topic = topic;
    for (const batch of [...this.#sent]) if (!batch.acknowledged) this.#return(batch);
    if (this.identity !== null) this.#hole = true;
    else this.#sealed = [...this.#returned.splice(0), ...this.#sealed];
  }

  /** Another node leads: what is in flight to the old one is sent to the new one. */
  moved(error: ProtocolError): void {
    for (const batch of this.#sent) {
      if (!batch.inFlight) continue;
      batch.attempt++; // an answer to the old try no longer counts
      this.again(batch, error, true);
    }
  }

  #takeNew(window: number): Batch | null {
    if (this.#hole || this.#sent.length >= window || (this.idempotent && this.identity === null)) return null;
    if (this.#sealed.length === 0 && this.open?.due === true) this.seal();
    const batch = this.#sealed.shift();
    if (batch === undefined) return null;
    if (this.idempotent) {
      batch.sequence = this.#nextSequence;
      this.#nextSequence = sequencePlus(this.#nextSequence, batch.records.length);
    }
    batch.place = this.#places++;
    this.#sent.push(batch);
    return batch;
  }

  #return(batch: Batch): void {
    this.#remove(batch);
    batch.withdraw();
    const behind = this.#returned.findIndex((other) => other.place > batch.place);
    this.#returned.splice(behind < 0 ? this.#returned.length : behind, 0, batch);
  }

  #returnUntried(): void {
    for (const batch of [...this.#sent]) if (!batch.tried) this.#return(batch);
  }

  #slide(): void {
    while (this.#sent[0]?.acknowledged === true) this.#sent.shift();
  }

  #remove(batch: Batch): void {
    for (const list of [this.#sent, this.#sealed, this.#returned]) {
      const index = list.indexOf(batch);
      if (index >= 0) list.splice(index, 1);
    }
    if (this.open === batch) this.open = null;
    this.#slide();
  }
}
