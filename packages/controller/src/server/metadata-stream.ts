import type { Session } from "@ottla/host";
import { pb } from "@ottla/protocol";

/** Deltas for a broker that is slower than the cluster changes; beyond it the broker gets a whole image instead. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024;
const RECORDS_PER_PART = 2000;

/** A whole image, as records in an order in which they can be applied. */
export interface Snapshot {
  readonly index: number;
  readonly term: number;
  readonly controllerId: number;
  readonly records: readonly pb.MetadataRecord[];
}

/** One broker following the cluster: a whole image unless it is up to date, then every delta. */
export class MetadataStream {
  readonly nodeId: number;
  readonly #session: Session;
  readonly #snapshot: () => Snapshot;
  #deltas: Uint8Array[] = [];
  #deltaBytes = 0;
  #needsSnapshot = true;
  #sending = false;
  #open = true;
  /** Of the last message handed to the session. */
  #sentIndex = 0;
  /** The broker has seen more than this controller: nothing is sent until it has caught up. */
  #notBelow = 0;

  constructor(session: Session, nodeId: number, snapshot: () => Snapshot) {
    this.#session = session;
    this.nodeId = nodeId;
    this.#snapshot = snapshot;
    void session.closed.then(() => {
      this.#open = false;
    });
  }

  get open(): boolean {
    return this.#open;
  }

  /** The broker has everything up to `appliedIndex`; this controller has `index`. */
  begin(appliedIndex: number, index: number): void {
    this.#notBelow = appliedIndex;
    this.#needsSnapshot = appliedIndex !== index || index === 0;
    this.#sentIndex = appliedIndex;
    if (this.#needsSnapshot && index > 0) this.#send();
  }

  /** @param delta an encoded MetadataDelta that leads to `index` */
  push(delta: Uint8Array, index: number): void {
    if (index < this.#notBelow) return;
    if (!this.#needsSnapshot) {
      this.#deltas.push(delta);
      this.#deltaBytes += delta.length;
      this.#sentIndex = index;
      if (this.#deltaBytes > MAX_UNSENT_BYTES) {
        this.#deltas = [];
        this.#deltaBytes = 0;
        this.#needsSnapshot = true;
      }
    }
    this.#send();
  }

  /** Whether a message without records is due, so that the broker learns how far the log has come. */
  isBehind(index: number): boolean {
    return this.#open && (this.#needsSnapshot ? index >= this.#notBelow : index > this.#sentIndex);
  }

  close(): void {
    this.#open = false;
    this.#session.close();
  }

  reject(code: string, message: string): void {
    this.#open = false;
    this.#session.close({ code, message });
  }

  #send(): void {
    if (this.#sending || !this.#open) return;
    this.#sending = true;
    this.#drain().then(
      () => {
        this.#sending = false;
      },
      // A session that breaks ends the stream; the broker opens another.
      () => {
        this.#open = false;
      },
    );
  }

  async #drain(): Promise<void> {
    while (this.#open) {
      const delta = this.#deltas.shift();
      if (delta) {
        this.#deltaBytes -= delta.length;
        await this.#session.send([delta]);
      } else if (this.#needsSnapshot) {
        if (!(await this.#sendSnapshot())) return;
      } else {
        return;
      }
    }
  }

  /** @returns false while this controller is behind the broker */
  async #sendSnapshot(): Promise<boolean> {
    const { records, index, term, controllerId } = this.#snapshot();
    if (index < this.#notBelow) return false;
    this.#needsSnapshot = false;
    this.#sentIndex = index;
    const parts = Math.max(1, Math.ceil(records.length / RECORDS_PER_PART));
    for (let part = 0; part < parts && this.#open; part++) {
      const some = records.slice(part * RECORDS_PER_PART, (part + 1) * RECORDS_PER_PART);
      await this.#session.send([
        pb.MetadataDelta.encode({ snapshot: true, complete: part === parts - 1, part, index, term, controllerId, records: some }),
      ]);
    }
    return true;
  }
}
