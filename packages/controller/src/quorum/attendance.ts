import type { Timer } from "@ottla/host";
import type { Voters } from "../raft/index.ts";
import type { Engine } from "./engine.ts";
import { mayFound } from "./founding.ts";
import { listText, type Greeting } from "./greeting.ts";
import type { Inbound } from "./inbound.ts";
import type { QuorumOptions } from "./options.ts";
import type { Peers } from "./peers.ts";
import { listsDiffer, listTrouble, unreachedTrouble } from "./voter-list.ts";

/** How often it is looked who is there, while nothing says that it changed: before there is a cluster, and then. */
const FOUNDING_MS = 250;
const ATTEND_MS = 1000;
const SAY_AGAIN_MS = 10_000;
/** A voter that comes back with another directory is none for a moment, and of the two streams between two nodes one is there before the other. */
const STANDS_MS = 3_000;

/** Sees who is there: has those dialled who are to be known, tells the core who follows without a vote, and founds the cluster if that is what is to
 * be done. */
export class Attendance {
  readonly #options: QuorumOptions;
  readonly #engine: Engine;
  readonly #inbound: Inbound;
  readonly #peers: Peers;
  #waitingFor: readonly string[] = [];
  #saidAtMs = Number.NEGATIVE_INFINITY;
  #said = "";
  #concerns: readonly string[] = [];
  /** What may become a concern, and since when it is the same. */
  #trouble: { readonly text: string; readonly sinceMs: number } | null = null;
  #learners = "";
  #voters: Voters | null = null;
  /** The two streams between this node and a peer, as they were when both were there. */
  readonly #reached = new Map<number, { readonly out: Greeting; readonly in: Greeting }>();
  #timer: Timer | null = null;
  #closed = false;

  constructor(options: QuorumOptions, engine: Engine, inbound: Inbound, peers: Peers) {
    this.#options = options;
    this.#engine = engine;
    this.#inbound = inbound;
    this.#peers = peers;
  }

  /** What keeps a cluster from being founded or joined. */
  get waitingFor(): readonly string[] {
    return this.#waitingFor;
  }

  /** What its settings say otherwise than the cluster that it takes part in. */
  get concerns(): readonly string[] {
    return this.#concerns;
  }

  start(): void {
    this.look();
    this.#lookLater();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  /** The core took a step. */
  stepped(): void {
    if ((this.#engine.raft.voters?.voters ?? null) !== this.#voters) this.look();
  }

  look(): void {
    if (this.#closed || this.#engine.ended) return;
    const { raft } = this.#engine;
    this.#voters = raft.voters?.voters ?? null;
    const voters = this.#voters ?? [];
    this.#peers.keep(voters, this.#inbound.peers());
    const isVoter = (who: Greeting): boolean =>
      voters.some((voter) => voter.nodeId === who.nodeId && voter.directoryId === who.directoryId);
    const learners = [...this.#inbound.peers()].filter((who) => !isVoter(who));
    const key = learners.map(({ nodeId, directoryId }) => `${nodeId} ${directoryId}`).join(",");
    if (key !== this.#learners) {
      this.#learners = key;
      this.#engine.step({ kind: "learners", learners: learners.map(({ nodeId, directoryId }) => ({ nodeId, directoryId })) });
    }
    if (this.#voters === null && raft.lastIndex === 0) this.#found();
    else this.#takePart(voters);
    this.#tellReached();
  }

  #takePart(voters: Voters): void {
    const { logger, nodeId, listed } = this.#options;
    this.#waitingFor = [];
    const concern = this.#standing(listTrouble({ nodeId, listed }, voters, this.#options.addresses()));
    if (concern === (this.#concerns[0] ?? null)) return;
    this.#concerns = concern === null ? [] : [concern];
    if (concern !== null) logger.warn({ controller: nodeId }, concern);
  }

  /** @returns the text once it has been the same for a while */
  #standing(text: string | null): string | null {
    const nowMs = this.#options.host.clock.monotonicMs();
    if (text === null) this.#trouble = null;
    else if (this.#trouble?.text !== text) this.#trouble = { text, sinceMs: nowMs };
    return this.#trouble !== null && nowMs - this.#trouble.sinceMs >= STANDS_MS ? this.#trouble.text : null;
  }

  #tellReached(): void {
    for (const [nodeId, link] of this.#peers.links) {
      const out = link.greeting;
      const incoming = this.#inbound.of(nodeId);
      if (out === null || incoming === null) {
        this.#reached.delete(nodeId);
        continue;
      }
      const before = this.#reached.get(nodeId);
      if (before?.out === out && before.in === incoming) continue;
      this.#reached.set(nodeId, { out, in: incoming });
      this.#engine.step({ kind: "reached", peer: nodeId });
    }
  }

  #found(): void {
    const { nodeId, directoryId, listed, bootstrap, logger, host } = this.#options;
    const verdict = mayFound(
      { nodeId, directoryId, listed, joins: bootstrap.length > 0, links: () => this.#peers.links },
      this.#options.clusterId(),
    );
    if (verdict.kind === "found") {
      this.#waitingFor = [];
      if (this.#engine.raft.role !== "follower") return;
      logger.info({ controller: nodeId, voters: listText(listed) }, "every voter is reached and empty: founding the cluster");
      const { voters, term } = verdict;
      return this.#engine.step({ kind: "found", voters, data: this.#options.founding(voters), term });
    }
    const greeted = [...this.#peers.links].flatMap(([peer, { greeting }]) => (greeting === null ? [] : [{ peer, greeting }]));
    const silent = greeted.filter(({ peer }) => this.#inbound.of(peer) === null).map(({ peer }) => peer);
    const unreached = this.#standing(silent.length === 0 ? null : unreachedTrouble(nodeId, this.#options.nodeAddress(), silent));
    const waitingFor = unreached === null ? verdict.waitingFor : [...verdict.waitingFor, unreached];
    this.#waitingFor = waitingFor;
    const said = waitingFor.join("; ");
    const nowMs = host.clock.monotonicMs();
    if (said === this.#said && nowMs < this.#saidAtMs + SAY_AGAIN_MS) return;
    this.#said = said;
    this.#saidAtMs = nowMs;
    const wrong = unreached !== null || greeted.some(({ greeting }) => listsDiffer(greeting, listed));
    logger[wrong ? "warn" : "info"]({ controller: nodeId, waitingFor }, `not in a cluster yet: ${said}`);
  }

  #lookLater(): void {
    this.#timer = this.#options.host.clock.after(this.#voters === null ? FOUNDING_MS : ATTEND_MS, () => {
      this.look();
      if (!this.#closed && !this.#engine.ended) this.#lookLater();
    });
  }
}
