import type { Clock, Logger, Timer } from "@ottla/host";
import { errorName, type pb, ProtocolError, uuidToBytes } from "@ottla/protocol";
import type { InSyncProposal } from "../../partition/in-sync.ts";

const AT_ONCE = 1000;
const TIMEOUT_MS = 5000;
const RETRY_MS = 500;

export interface InSyncChangesOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  command(value: pb.AlterPartitionsCommand, timeoutMs: number): Promise<pb.AlterPartitionsReply>;
}

/** Brings the wishes of leaders to the controllers: one command at a time, with everything that came meanwhile. While an outcome is
 * unknown it is asked again; until it is known the proposal counts. */
export class InSyncChanges {
  readonly #options: InSyncChangesOptions;
  #queue: InSyncProposal[] = [];
  #sending: Timer | null = null;
  #busy = false;
  #closed = false;

  constructor(options: InSyncChangesOptions) {
    this.#options = options;
  }

  propose(proposal: InSyncProposal): void {
    this.#queue.push(proposal);
    this.#sendSoon();
  }

  close(): void {
    this.#closed = true;
    this.#sending?.cancel();
    this.#queue = [];
  }

  #sendSoon(): void {
    if (this.#busy || this.#closed || this.#queue.length === 0) return;
    this.#sending ??= this.#options.clock.soon(() => {
      this.#sending = null;
      void this.#send();
    });
  }

  async #send(): Promise<void> {
    const { clock, logger, command } = this.#options;
    this.#queue = this.#queue.filter((proposal) => proposal.open());
    const proposals = this.#queue.splice(0, AT_ONCE);
    if (proposals.length === 0) return;
    this.#busy = true;
    try {
      const reply = await command({ partitions: proposals.map(wire) }, TIMEOUT_MS);
      for (const [at, proposal] of proposals.entries()) settle(proposal, reply.partitions[at]);
    } catch (error) {
      if (this.#closed) return;
      logger.warn(
        { partitions: proposals.length, err: error },
        "The controllers have not said who is in sync from now on; they are asked again",
      );
      this.#queue.unshift(...proposals);
      await new Promise<void>((resolve) => (this.#sending = clock.after(RETRY_MS, resolve)));
      this.#sending = null;
    } finally {
      this.#busy = false;
      this.#sendSoon();
    }
  }
}

function wire({ replica, leaderEpoch, partitionEpoch, isr, damaged, reason }: InSyncProposal): pb.AlterPartition {
  const topicId = uuidToBytes(replica.topicId);
  return { topicId, partition: replica.index, leaderEpoch, partitionEpoch, isr: [...isr], damaged: [...damaged], reason };
}

function settle(proposal: InSyncProposal, altered: pb.AlteredPartition | undefined): void {
  if (altered === undefined) return;
  if (altered.errorCode !== 0) proposal.settle(new ProtocolError(errorName(altered.errorCode), altered.errorMessage));
  else if (altered.partitionEpoch > proposal.partitionEpoch) proposal.settle(null);
  else proposal.settle(new ProtocolError("INVALID_REQUEST", "The controllers changed nothing: no newer record will come"));
}
