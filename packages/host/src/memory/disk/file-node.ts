import type { SeededRandom } from "../seeded-random.ts";
import { Bytes } from "./bytes.ts";

/** What a power failure leaves of changes that were not synced: nothing, everything, or random sectors and names. */
export type Keep = "none" | "all" | "random";

/** The unit that a disk writes whole. */
const SECTOR_BYTES = 512;

type Change =
  | { readonly kind: "write"; readonly at: number; readonly data: Uint8Array }
  | { readonly kind: "resize"; readonly size: number };

/** A file's content as programs see it, as the platter has it, and the changes between the two. */
export class FileNode {
  readonly kind = "file";
  readonly cached = new Bytes();
  readonly #durable = new Bytes();
  #pending: Change[] = [];
  #committed = 0;

  /** Names all changes made so far, for {@link commit}. */
  get changes(): number {
    return this.#committed + this.#pending.length;
  }

  /** Takes a copy. */
  write(data: Uint8Array, at: number): void {
    this.cached.write(data, at);
    this.#pending.push({ kind: "write", at, data: data.slice() });
  }

  resize(size: number): void {
    this.cached.resize(size);
    this.#pending.push({ kind: "resize", size });
  }

  /** Makes the first `changes` changes durable. */
  commit(changes: number): void {
    const done = this.#pending.splice(0, Math.max(0, changes - this.#committed));
    for (const change of done) this.#apply(change);
    this.#committed += done.length;
  }

  /** After a failed sync programs still see the changes and the disk never gets them: the kernel counts them as written (Linux since 4.13). */
  abandon(): void {
    this.#committed += this.#pending.length;
    this.#pending = [];
  }

  copy(): FileNode {
    const copy = new FileNode();
    copy.cached.copyFrom(this.cached);
    copy.#durable.copyFrom(this.#durable);
    copy.#pending = [...this.#pending];
    copy.#committed = this.#committed;
    return copy;
  }

  /** Damage below the file system: both views have it. */
  flipBit(at: number, bit: number): void {
    this.cached.flipBit(at, bit);
    if (at < this.#durable.size) this.#durable.flipBit(at, bit);
  }

  crash(keep: Keep, random: SeededRandom): void {
    const pending = this.#pending;
    this.#committed += pending.length;
    this.#pending = [];
    if (keep === "all") for (const change of pending) this.#apply(change);
    if (keep === "random" && pending.length > 0) this.#keepSome(pending, random);
    this.cached.copyFrom(this.#durable);
  }

  #keepSome(pending: readonly Change[], random: SeededRandom): void {
    // A disk may have finished all, some in order with the last one torn, or any sectors in any order.
    const inOrder = random.below(2) === 0;
    const whole = random.below(pending.length + 1);
    pending.forEach((change, index) => {
      if (inOrder ? index < whole : random.below(4) === 0) this.#apply(change);
      else if (change.kind === "write" && (!inOrder || index === whole)) this.#tear(change.at, change.data, random);
    });
  }

  #tear(at: number, data: Uint8Array, random: SeededRandom): void {
    let from = 0;
    while (from < data.byteLength) {
      const until = Math.min(data.byteLength, from + SECTOR_BYTES - ((at + from) % SECTOR_BYTES));
      if (random.below(2) === 0) this.#durable.write(data.subarray(from, until), at + from);
      from = until;
    }
    // The new size may be recorded although the data is not.
    if (random.below(2) === 0 && this.#durable.size < at + data.byteLength) this.#durable.resize(at + data.byteLength);
  }

  #apply(change: Change): void {
    if (change.kind === "write") this.#durable.write(change.data, change.at);
    else this.#durable.resize(change.size);
  }
}
