import type { Logger } from "@ottla/host";
import type { Raft, Voters } from "../raft/index.ts";

interface Scene {
  readonly role: Raft["role"];
  readonly term: number;
  readonly leader: number | null;
  readonly votedFor: number | null;
  readonly voters: Voters;
}

const NOBODY: Voters = [];

/** Tells elections and changes of voters, a line for each turn they take. */
export class Story {
  readonly #nodeId: number;
  readonly #logger: Logger;
  #last: Scene;
  #elections = 0;

  constructor(nodeId: number, logger: Logger, raft: Raft) {
    this.#nodeId = nodeId;
    this.#logger = logger;
    this.#last = scene(raft);
  }

  /** Campaigns that this node began. */
  get elections(): number {
    return this.#elections;
  }

  tell(raft: Raft): void {
    const last = this.#last;
    if (
      raft.role === last.role &&
      raft.term === last.term &&
      raft.leader === last.leader &&
      (raft.voters?.voters ?? NOBODY) === last.voters
    )
      return;
    const now = scene(raft);
    this.#last = now;
    this.#tellVoters(last, now);
    const fields = { controller: this.#nodeId, term: now.term };
    if (now.role === "pre-candidate" && last.role !== "pre-candidate")
      this.#logger.info(
        { ...fields, silentLeader: last.leader },
        "no leader of the controllers is heard: asking the others for an election",
      );
    if (now.role === "candidate" && (last.role !== "candidate" || now.term > last.term)) {
      this.#elections++;
      this.#logger.info(fields, `standing for election as leader of the controllers in term ${now.term}`);
    }
    if (now.role === "leader" && last.role !== "leader")
      this.#logger.info({ ...fields, voters: ids(now.voters) }, `leads the controllers in term ${now.term}`);
    if (now.role !== "leader" && last.role === "leader")
      this.#logger.warn({ ...fields, ledTerm: last.term, leader: now.leader }, "no longer leads the controllers");
    if (now.votedFor !== null && now.votedFor !== this.#nodeId && (now.votedFor !== last.votedFor || now.term > last.term))
      this.#logger.info({ ...fields, candidate: now.votedFor }, `votes for controller ${now.votedFor} in term ${now.term}`);
    if (now.role === "follower" && now.leader !== null && (now.leader !== last.leader || now.term > last.term))
      this.#logger.info({ ...fields, leader: now.leader }, `follows controller ${now.leader}, which leads term ${now.term}`);
    if (now.role === "follower" && now.leader === null && last.leader !== null && last.role === "follower")
      this.#logger.info({ ...fields, leader: last.leader }, `lost sight of controller ${last.leader}, which led`);
  }

  #tellVoters(last: Scene, now: Scene): void {
    if (now.voters === last.voters) return;
    this.#logger.info(
      { controller: this.#nodeId, before: ids(last.voters), voters: ids(now.voters) },
      last.voters.length === 0 ? "the voters of the controllers are known" : "the voters of the controllers change",
    );
  }
}

function scene({ role, term, leader, votedFor, voters }: Raft): Scene {
  return { role, term, leader, votedFor: votedFor?.nodeId ?? null, voters: voters?.voters ?? NOBODY };
}

function ids(voters: Voters): readonly number[] {
  return voters.map(({ nodeId }) => nodeId);
}
