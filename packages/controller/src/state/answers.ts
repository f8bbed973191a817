interface Waiting {
  readonly index: number;
  readonly deliver: () => void;
}

/** The reads of one turn: one round of the quorum confirms them all. */
export interface Reads {
  /** Of the last entry that the reads have seen. */
  readonly index: number;
  readonly deliver: readonly (() => void)[];
  confirmed: boolean;
}

/** Answers that wait until what they speak of is committed; reads also until leadership was confirmed after they came. */
export class Answers {
  #writes: Waiting[] = [];
  #reads: Reads[] = [];

  /** Rising in index. */
  write(index: number, deliver: () => void): void {
    this.#writes.push({ index, deliver });
  }

  read(index: number, deliver: readonly (() => void)[]): Reads {
    const reads: Reads = { index, deliver, confirmed: false };
    this.#reads.push(reads);
    return reads;
  }

  deliver(committedIndex: number): void {
    let done = 0;
    for (const { index, deliver } of this.#writes) {
      if (index > committedIndex) break;
      deliver();
      done++;
    }
    if (done > 0) this.#writes.splice(0, done);
    while (this.#reads[0]?.confirmed && this.#reads[0].index <= committedIndex) {
      for (const deliver of this.#reads.shift()?.deliver ?? []) deliver();
    }
  }

  drop(): void {
    this.#writes = [];
    this.#reads = [];
  }
}
