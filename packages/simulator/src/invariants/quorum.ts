import type { ObservedNode } from "./inspection.ts";
import { Violation } from "./violation.ts";

/** What the controllers show of their quorum. Raft's own simulation looks deeper, and at many more seeds. */
export class QuorumChecks {
  readonly #leaders = new Map<number, number>();
  readonly #commits = new Map<number, { term: number; commitIndex: number }>();
  readonly #digests = new Map<number, string>();
  readonly #applied = new Map<number, number>();
  /** The largest that any controller has shown. */
  commitIndex = 0;

  /** A new life: the commit index begins anew. */
  reborn(nodeId: number): void {
    this.#commits.delete(nodeId);
  }

  look({ nodeId, running, quorum }: ObservedNode): void {
    if (!running || quorum === null) {
      this.#commits.delete(nodeId);
      return;
    }
    const { role, term, commitIndex, appliedIndex } = quorum;
    this.commitIndex = Math.max(this.commitIndex, commitIndex);
    if (role === "leader") {
      const known = this.#leaders.get(term);
      if (known !== undefined && known !== nodeId) throw new Violation("R1", `nodes ${known} and ${nodeId} both lead term ${term}`);
      if (known === undefined) this.#leaders.set(term, nodeId);
    }
    if (this.#applied.get(nodeId) !== appliedIndex) {
      this.#applied.set(nodeId, appliedIndex);
      const digest = Buffer.from(quorum.digest).toString("hex");
      const known = this.#digests.get(appliedIndex);
      if (known !== undefined && known !== digest)
        throw new Violation("D1", `the state of node ${nodeId} at index ${appliedIndex} is ${digest}, that of another ${known}`);
      this.#digests.set(appliedIndex, digest);
    }
    const seen = this.#commits.get(nodeId);
    if (seen !== undefined && commitIndex < seen.commitIndex)
      throw new Violation("R11", `the commit index of node ${nodeId} fell from ${seen.commitIndex} to ${commitIndex}`);
    if (seen !== undefined && term < seen.term) throw new Violation("R9", `the term of node ${nodeId} fell from ${seen.term} to ${term}`);
    if (seen === undefined || seen.term !== term || seen.commitIndex !== commitIndex) this.#commits.set(nodeId, { term, commitIndex });
  }
}
