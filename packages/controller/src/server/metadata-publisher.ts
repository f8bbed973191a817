import type { Session } from "@ottla/host";
import { pb } from "@ottla/protocol";
import { isClusterRecord } from "../state/fact.ts";
import { MetadataStream, type Snapshot } from "./metadata-stream.ts";

/** A delta is closed at the end of an entry once it has so many records. */
const RECORDS_PER_DELTA = 5000;

/** Where the log stands, for deltas. */
export interface Position {
  readonly index: number;
  readonly term: number;
  readonly controllerId: number;
}

/** Brings committed cluster records to the brokers: those of one turn in one message, encoded once for all. */
export class MetadataPublisher {
  readonly #streams = new Set<MetadataStream>();
  readonly #position: () => Position;
  readonly #facts: () => readonly pb.MetadataRecord[];
  #pending: pb.MetadataRecord[] = [];
  #pendingIndex = 0;

  constructor(position: () => Position, facts: () => readonly pb.MetadataRecord[]) {
    this.#position = position;
    this.#facts = facts;
  }

  get count(): number {
    return this.#streams.size;
  }

  /** Until the session ends; `acknowledge` hears how far the broker has come. */
  async serve(session: Session, nodeId: number, acknowledge: (index: number) => void): Promise<void> {
    const stream = new MetadataStream(session, nodeId, () => this.#snapshot());
    try {
      let begun = false;
      for await (const frame of session.frames) {
        const { appliedIndex } = pb.MetadataRequest.decode(frame);
        acknowledge(appliedIndex);
        if (begun) continue;
        begun = true;
        stream.begin(appliedIndex, this.#position().index);
        this.#streams.add(stream);
      }
    } catch (error) {
      stream.reject("INVALID_REQUEST", error instanceof Error ? error.message : String(error));
    } finally {
      this.#streams.delete(stream);
      stream.close();
    }
  }

  committed(index: number, records: readonly pb.MetadataRecord[]): void {
    if (this.#streams.size === 0) return;
    for (const each of records) if (isClusterRecord(each.record)) this.#pending.push(each);
    this.#pendingIndex = index;
    if (this.#pending.length >= RECORDS_PER_DELTA) this.flush();
  }

  flush(): void {
    if (this.#pending.length === 0) return;
    const { term, controllerId } = this.#position();
    this.#push({ index: this.#pendingIndex, term, controllerId }, this.#pending);
    this.#pending = [];
  }

  /** Tells how far the log has come to whoever got no records of late. */
  tellIndex(): void {
    const position = this.#position();
    if (position.index === 0 || ![...this.#streams].some((stream) => stream.isBehind(position.index))) return;
    this.#push(position, []);
  }

  close(): void {
    for (const stream of this.#streams) stream.close();
  }

  #push(position: Position, records: pb.MetadataRecord[]): void {
    const delta = pb.MetadataDelta.encode({ snapshot: false, complete: true, part: 0, ...position, records });
    for (const stream of this.#streams) stream.push(delta, position.index);
  }

  #snapshot(): Snapshot {
    return { ...this.#position(), records: this.#facts() };
  }
}
