import type { Message } from "../../types.ts";
import type { SimulatedVoter } from "../voter.ts";
import type { History } from "./history.ts";
import { rule } from "./rule.ts";
import type { Step } from "./step.ts";

/** R9: what leaves is on disk. */
export class SentChecks {
  readonly #history: History;
  /** The highest term that a directory spoke in. */
  readonly #spoken = new Map<string, number>();

  constructor(history: History) {
    this.#history = history;
  }

  begins({ self, raft }: SimulatedVoter): void {
    const spoken = this.#spoken.get(self.directoryId) ?? 0;
    rule(
      raft.term >= spoken,
      "R9 PersistBeforeReply",
      () => `node ${self.nodeId} restarts in term ${raft.term} after it spoke in term ${spoken}`,
    );
  }

  after({ voter, messages }: Step): void {
    for (const { message } of messages) this.#sent(voter, message);
  }

  #sent({ self, disk, raft }: SimulatedVoter, message: Message): void {
    const foreignTerm =
      (message.kind === "vote-request" && message.preVote) || (message.kind === "vote-reply" && message.preVote && message.granted);
    if (!foreignTerm && message.term > (this.#spoken.get(self.directoryId) ?? 0)) this.#spoken.set(self.directoryId, message.term);
    if (message.kind !== "append-reply" || !message.success) return;
    const { matchIndex, term } = message;
    rule(
      disk.lastIndex >= matchIndex,
      "R9 PersistBeforeReply",
      () => `node ${self.nodeId} acknowledges ${matchIndex}, on its disk is ${disk.lastIndex}`,
    );
    rule(disk.term >= term, "R9 PersistBeforeReply", () => `node ${self.nodeId} acknowledges in term ${term}, on its disk is ${disk.term}`);
    const entry = disk.at(matchIndex);
    // An acknowledgement of an earlier term may leave when the entry is already being replaced: as if it had been under way for longer.
    if (entry === undefined || term < raft.term) return;
    const same = this.#history.prefix(entry) === this.#history.hashes(self.nodeId)[matchIndex];
    rule(same, "R9 PersistBeforeReply", () => `node ${self.nodeId} acknowledges ${matchIndex}, on its disk is another entry there`);
  }
}
