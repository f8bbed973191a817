import type { Commit, Event, Read, Send } from "@ottla/simulator";

/** Something that was asked of the cluster besides sends and commits. `completed` is Infinity while the answer is out. */
export interface Change {
  readonly kind: "create topic" | "delete topic" | "add partitions" | "set config" | "delete records" | "observe start";
  readonly topic: string;
  readonly partition: number;
  /** Partition count, first offset kept, or log start. */
  readonly number: number;
  /** A setting as `name=value`. */
  readonly text: string;
  readonly invoked: number;
  completed: number;
  outcome: "ok" | "fail" | "unknown";
}

type Open<T> = { -readonly [K in keyof T]: T[K] };

/** What the clients of one world asked and heard, on a clock of its own that counts events: two things never happen at once. */
export class Journal {
  #now = 0;
  #sends: Open<Send>[] = [];
  #commits: Open<Commit>[] = [];
  #reads: Read[] = [];
  #changes: Change[] = [];
  readonly #partitions = new Map<string, number>();

  /** A moment after everything so far. */
  tick(): number {
    this.#now += 1;
    return this.#now;
  }

  get changes(): readonly Change[] {
    return this.#changes;
  }

  get sends(): readonly Send[] {
    return this.#sends;
  }

  get reads(): readonly Read[] {
    return this.#reads;
  }

  get acknowledged(): number {
    return this.#sends.filter(({ outcome }) => outcome === "ok").length;
  }

  /** The checker knows partitions by one number. */
  partitionNumber(topic: string, partition: number): number {
    const name = `${topic}-${partition}`;
    const known = this.#partitions.get(name);
    if (known !== undefined) return known;
    this.#partitions.set(name, this.#partitions.size);
    return this.#partitions.size - 1;
  }

  partitionName(number: number): string {
    return [...this.#partitions].find(([, each]) => each === number)?.[0] ?? `partition ${number}`;
  }

  /** The returned function is told how it ended. */
  send(
    producer: string,
    sequence: number,
    topic: string,
    partition: number,
    value: string,
  ): (outcome: Send["outcome"], offset: number) => void {
    const send: Open<Send> = {
      kind: "send",
      producer,
      sequence,
      partition: this.partitionNumber(topic, partition),
      value,
      invokedMs: this.tick(),
      completedMs: Number.POSITIVE_INFINITY,
      outcome: "unknown",
      offset: -1,
    };
    this.#sends.push(send);
    return (outcome, offset) => Object.assign(send, { outcome, offset, completedMs: this.tick() });
  }

  commit(
    kind: Commit["kind"],
    group: string,
    topic: string,
    partition: number,
    offset: number,
  ): (outcome: Commit["outcome"], offset: number) => void {
    const commit: Open<Commit> = {
      kind,
      group,
      partition: this.partitionNumber(topic, partition),
      offset,
      invokedMs: this.tick(),
      completedMs: Number.POSITIVE_INFINITY,
      outcome: "unknown",
    };
    this.#commits.push(commit);
    return (outcome, offset) => Object.assign(commit, { outcome, offset, completedMs: this.tick() });
  }

  read(read: Omit<Read, "kind">): void {
    this.#reads.push({ kind: "read", ...read });
  }

  change(
    change: Pick<Change, "kind" | "topic"> & Partial<Pick<Change, "partition" | "number" | "text">>,
  ): (outcome: Change["outcome"], number?: number) => void {
    const made: Change = {
      partition: -1,
      number: -1,
      text: "",
      ...change,
      invoked: this.tick(),
      completed: Number.POSITIVE_INFINITY,
      outcome: "unknown",
    };
    this.#changes.push(made);
    return (outcome, number = made.number) => Object.assign(made, { outcome, number, completed: this.tick() });
  }

  /** For the checker, as far as `concerns` the partition. */
  events(concerns: (partition: number) => boolean): Event[] {
    return [...this.#sends, ...this.#reads, ...this.#commits].filter((event) => concerns(event.partition));
  }

  /** What had been asked and heard at that moment; it goes on from there by itself. */
  at(moment: number): Journal {
    const past = new Journal();
    const heard = <T extends { invokedMs: number; completedMs: number; outcome: string }>(event: T): T =>
      event.completedMs < moment ? { ...event } : { ...event, completedMs: Number.POSITIVE_INFINITY, outcome: "unknown" };
    past.#now = moment;
    past.#sends = this.#sends
      .filter(({ invokedMs }) => invokedMs < moment)
      .map((send) => (send.completedMs < moment ? { ...send } : { ...heard(send), offset: -1 }));
    past.#commits = this.#commits
      .filter((commit) => commit.invokedMs < moment && (commit.kind === "commit" || commit.completedMs < moment))
      .map((commit) => heard(commit));
    past.#reads = [...this.#reads];
    past.#changes = this.#changes
      .filter(({ invoked }) => invoked < moment)
      .map((change) =>
        change.completed < moment ? { ...change } : { ...change, completed: Number.POSITIVE_INFINITY, outcome: "unknown" },
      );
    for (const name of this.#partitions.keys()) past.#partitions.set(name, past.#partitions.size);
    return past;
  }
}
