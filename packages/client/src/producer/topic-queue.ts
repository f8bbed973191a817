import type { TopicInfo } from "../connection/topics.ts";
import type { Delivery } from "./batch.ts";
import { Fifo } from "./fifo.ts";
import { Lane } from "./lane.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Placement } from "./partitioner.ts";
import type { SendCall } from "./send-call.ts";

export interface TopicQueueOptions {
  readonly placement: Placement;
  readonly idempotent: boolean;
  /** Whether the buffer has room for so many bytes more. */
  readonly room: (bytes: number) => boolean;
  readonly put: (lane: Lane, outgoing: Outgoing, delivery: Delivery, startedMs: number) => void;
}

/** The records of one topic on their way to its lanes: in the order of the calls, waiting while the topic is not known or the buffer full. */
export class TopicQueue {
  readonly name: string;
  readonly placement: Placement;
  readonly #options: TopicQueueOptions;
  readonly #lanes: Lane[] = [];
  #info: TopicInfo | null = null;
  readonly #calls = new Fifo<SendCall>();

  constructor(name: string, options: TopicQueueOptions) {
    this.name = name;
    this.placement = options.placement;
    this.#options = options;
  }

  get info(): TopicInfo | null {
    return this.#info;
  }

  get lanes(): readonly Lane[] {
    return this.#lanes;
  }

  get calls(): Fifo<SendCall> {
    return this.#calls;
  }

  learn(info: TopicInfo): void {
    const other = this.#info !== null && this.#info.id !== info.id;
    this.#info = info;
    for (const lane of this.#lanes) {
      if (other) lane.restart(info);
      else lane.topic = info;
    }
    this.admit();
  }

  /** Whether all of it found room at once; else the rest waits behind the calls before it. */
  add(call: SendCall): boolean {
    if (this.#calls.length === 0 && this.#admitCall(call)) return true;
    this.#calls.push(call);
    return false;
  }

  /** The caller gave it up. */
  remove(call: SendCall): void {
    this.#calls.remove(call);
  }

  admit(): void {
    for (let call = this.#calls.first; call !== undefined && this.#admitCall(call); call = this.#calls.first) {
      this.#calls.shift();
      call.admitted?.();
    }
  }

  /** Refuses the calls that wait since `beforeMs` or longer. */
  refuse(beforeMs: number, reason: () => Error): void {
    for (let call = this.#calls.first; call !== undefined && call.startedMs <= beforeMs; call = this.#calls.first) {
      this.#calls.shift();
      call.refuse(reason());
      call.admitted?.();
    }
  }

  #admitCall(call: SendCall): boolean {
    const info = this.#info;
    if (info === null) return false;
    for (; call.next < call.count; call.next++) {
      const outgoing = call.record(call.next);
      if (!this.#options.room(outgoing.bytes)) return false;
      const delivery = call.delivery(call.next);
      try {
        this.#options.put(this.#lane(info, this.placement.choose(info, outgoing)), outgoing, delivery, call.startedMs);
      } catch (error) {
        delivery.failed(error instanceof Error ? error : new Error(String(error)));
      }
    }
    return true;
  }

  #lane(info: TopicInfo, partition: number): Lane {
    while (this.#lanes.length <= partition) this.#lanes.push(new Lane(info, this.#lanes.length, this.#options.idempotent));
    const lane = this.#lanes[partition];
    if (lane === undefined) throw new Error(`Invariant broken: no lane ${partition} of ${this.#lanes.length}`);
    return lane;
  }
}
