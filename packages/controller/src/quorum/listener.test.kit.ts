import type { Suspension } from "../raft/index.ts";
import type { CommittedEntry, QuorumListener } from "./listener.ts";

/** A listener that writes down what it hears and insists on its order. */
export class Follower implements QuorumListener {
  appliedIndex: number;
  /** Of the leadership announced, null without one. */
  term: number | null = null;
  readonly texts: string[] = [];
  resumptions = 0;
  onLeading: () => void = () => {};

  constructor(appliedIndex: number) {
    this.appliedIndex = appliedIndex;
  }

  committed(entries: readonly CommittedEntry[]): void {
    for (const { index, data } of entries) {
      if (index !== this.appliedIndex + 1) throw new Error(`entry ${index} came after ${this.appliedIndex}`);
      this.appliedIndex = index;
      if (data.length > 0 && index > 1) this.texts.push(new TextDecoder().decode(data));
    }
  }

  leading(term: number): void {
    if (this.term !== null) throw new Error(`leading ${term} within ${this.term}`);
    this.term = term;
    this.onLeading();
  }

  follows(leader: number): void {
    if (this.term !== null) throw new Error(`follows ${leader} while leading ${this.term}`);
  }

  resumed(): void {
    this.resumptions++;
  }

  suspended({ voter }: Suspension): void {
    throw new Error(`controller ${voter.nodeId} was suspended`);
  }

  snapshot(index: number): void {
    throw new Error(`a snapshot up to ${index} was taken`);
  }

  lost(term: number): void {
    if (this.term !== term) throw new Error(`lost ${term} while leading ${this.term}`);
    this.term = null;
  }
}
