import type { Clock, Logger, Timer } from "@ottla/host";
import type { Replica } from "./replica.ts";
import { writeVoters } from "./state/decide/voters.ts";

const CARE_MS = 1000;

/** The leader's own care for the voters: a voter that came back with another directory, because it lost its former one, is replaced by what it is now
 * as soon as that holds everything; first the former goes, then the new one comes. */
export class VoterCare {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #replica: Replica;
  #timer: Timer | null = null;
  #closed = false;

  constructor(clock: Clock, logger: Logger, replica: Replica) {
    this.#clock = clock;
    this.#logger = logger;
    this.#replica = replica;
    this.#later();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #later(): void {
    this.#timer = this.#clock.after(CARE_MS, () => {
      this.#look();
      if (!this.#closed) this.#later();
    });
  }

  #look(): void {
    const { pump, quorum, state } = this.#replica;
    if (!pump.leading || quorum.replacement(state.votersRecord) === null) return;
    pump.decide((draft) => {
      const found = quorum.replacement(draft.state.votersRecord);
      if (found === null) return;
      this.#logger.warn({ voters: found.record.voters.map(({ nodeId }) => nodeId) }, found.text);
      writeVoters(draft, quorum, found.record, found.text);
    });
  }
}
