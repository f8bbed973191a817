import type { Attributes, Metric, Session } from "@ottla/host";
import type { MetadataVersions } from "@ottla/metadata";
import type { pb } from "@ottla/protocol";
import type { Effects, Input, Suspension, Voter, Voters } from "../raft/index.ts";
import { Attendance } from "./attendance.ts";
import { Engine } from "./engine.ts";
import type { Greeting } from "./greeting.ts";
import { decodeMessage } from "./messages.ts";
import { openStorage, type Storage } from "./open.ts";
import type { QuorumOptions, QuorumStatus } from "./options.ts";
import { raftMetrics } from "./samples.ts";
import { Snapshots } from "./snapshot/snapshots.ts";
import { Story } from "./story.ts";
import { Streams } from "./streams.ts";
import { Transfers } from "./transfers.ts";
import { caughtUpReplacement, changedVoters, type Circumstances } from "./voter-change.ts";

/** Entries that a voter lacks are kept for it as long as the log is smaller; then it gets a snapshot. */
const MAX_LOG_BYTES = 64 << 20;

/** Raft meets disk and network: the log, the vote, the streams between controllers, founding, learners and snapshots. */
export class Quorum {
  readonly #options: QuorumOptions;
  readonly #storage: Storage;
  readonly #engine: Engine;
  readonly #streams: Streams;
  readonly #snapshots: Snapshots;
  readonly #story: Story;
  readonly #transfers: Transfers;
  readonly #attendance: Attendance;
  #suspensions = 0;
  #leader: number | null = null;
  #closed = false;

  private constructor(options: QuorumOptions, storage: Storage) {
    const { host, nodeId, logger, listener } = options;
    const { log, votes, raft } = storage;
    this.#options = options;
    this.#storage = storage;
    const send = (to: Voter, bytes: Uint8Array): void => this.#streams.send(to, bytes);
    this.#engine = new Engine({
      clock: host.clock,
      nodeId,
      logger,
      listener,
      log,
      votes,
      raft,
      send,
      stepped: (input, effects) => this.#stepped(input, effects),
      failed: (error) => options.onFatal(error),
    });
    this.#streams = new Streams(options, raft, {
      receive: (from, message) => this.#receive(from, message),
      changed: () => this.#attendance.look(),
      broken: (peer) => {
        this.#snapshots.broken(peer);
        this.#engine.step({ kind: "broken", peer });
        this.#transfers.broken();
      },
      lost: (peer) => this.#engine.step({ kind: "lost", peer }),
    });
    this.#snapshots = new Snapshots({
      clock: host.clock,
      logger,
      source: () => options.snapshotSource(),
      sink: options.snapshotSink,
      term: () => raft.term,
      send,
      onEnded: (peer) => this.#engine.step({ kind: "snapshotEnded", peer }),
      onComplete: (last) => {
        if (!this.#engine.ended && raft.needs(last)) listener.snapshot(last.index);
      },
    });
    this.#story = new Story(nodeId, logger, raft);
    this.#transfers = new Transfers(host.clock, logger, this.#engine, options.electionTimeoutMs, (peer) => this.#streams.isConnected(peer));
    this.#attendance = new Attendance(options, this.#engine, this.#streams.inbound, this.#streams.peers);
  }

  /** @throws DamagedControllerError when the log or the vote of this controller are damaged or missing: a voter that lost part of them must not vote */
  static async open(options: QuorumOptions): Promise<Quorum> {
    let quorum: Quorum | null = null;
    const storage = await openStorage(options, {
      progress: () => {
        if (quorum !== null) quorum.#engine.progressed();
      },
      fatal: (error) => {
        if (quorum === null) options.onFatal(error);
        else quorum.#engine.fail(error);
      },
    });
    quorum = new Quorum(options, storage);
    return quorum;
  }

  get nodeId(): number {
    return this.#options.nodeId;
  }

  get status(): QuorumStatus {
    const { role, term, leader, firstIndex, lastIndex, commitIndex, voters } = this.#engine.raft;
    return {
      role: role === "pre-candidate" ? "candidate" : role,
      term,
      leader: leader ?? -1,
      firstIndex,
      lastIndex,
      commitIndex,
      voters: voters?.voters ?? [],
      waitingFor: this.#attendance.waitingFor,
      concerns: this.#attendance.concerns,
    };
  }

  /** Voters and learners, with what the leader knows of them. */
  members(): pb.QuorumMember[] {
    return this.#streams.members();
  }

  /** What the controllers that are connected support, by node id. */
  metadataVersions(): ReadonlyMap<number, MetadataVersions> {
    return this.#streams.metadataVersions();
  }

  /** Leadership is being handed over: `propose` waits for its end, which is `lost` or `resumed`. */
  get transferring(): boolean {
    return this.#engine.raft.transferring;
  }

  /** Begins to take part. A single voter leads within two syncs. */
  start(): void {
    this.#engine.start();
    this.#attendance.start();
  }

  /** Appends at the leader and returns the index the entry has if it commits. The bytes belong to the quorum from here on.
   * @param voters who votes from this entry on; null: as before
   * @throws NotLeaderError outside `leading`..`lost`, and while leadership is handed over
   * @throws VoterChangeError while a change of the voters is not committed, and for one of more than one voter (R15)
   * @throws LogFailedError while the disk is full: nothing was appended
   * @throws ProtocolError THROTTLING_QUOTA_EXCEEDED: too much is waiting to be committed; retry after some of it was delivered */
  propose(data: Uint8Array, voters: Voters | null = null): number {
    return this.#engine.propose(data, voters);
  }

  /** The record that makes the change.
   * @param current the voters as the state has them
   * @throws ProtocolError that says why they cannot be changed so */
  changedVoters(call: pb.ChangeVotersCall, current: pb.VotersRecord): pb.VotersRecord {
    return changedVoters(call, current, this.#circumstances());
  }

  /** What the leader is to do about a voter that lost its directory, null for nothing.
   * @param current the voters as the state has them */
  replacement(current: pb.VotersRecord): { record: pb.VotersRecord; text: string } | null {
    return caughtUpReplacement(current, this.#circumstances());
  }

  /** Hands leadership to the voter that holds most, or to the one named. Resolves within about an election timeout, when another leads or when this
   * node goes on leading (R18); at once where this node does not lead.
   * @returns whether another leads */
  transferLeadership(signal: AbortSignal, to: number | null = null): Promise<boolean> {
    return this.#transfers.begin(signal, to);
  }

  /** The index up to which a reader must have applied to see everything that was committed before this call (Raft dissertation §6.4).
   * @throws NotLeaderError when this voter does not lead, or stops leading before a majority confirmed it */
  readIndex(signal: AbortSignal): Promise<number> {
    return this.#engine.readIndex(signal);
  }

  /** Drops entries before `beforeIndex` from the log, which checkpoints cover; the last delivered entry stays, what follows a snapshot on its way,
   * and, while the log is small, what another voter is known to lack. */
  async trim(beforeIndex: number): Promise<void> {
    const { raft, log, deliveredIndex } = this.#engine;
    const held = log.sizeBytes > MAX_LOG_BYTES ? null : raft.heldByAll;
    const until = Math.min(beforeIndex, deliveredIndex, held ?? Number.MAX_SAFE_INTEGER, this.#snapshots.lowestOnItsWay + 1);
    if (until <= raft.firstIndex || this.#engine.ended) return;
    raft.trimmed(until);
    await log.trim(until);
  }

  /** Takes the stream of another controller.
   * @throws NetworkError that says what does not fit */
  accept(session: Session): Attributes {
    return this.#streams.accept(session);
  }

  samples(): Metric[] {
    const { log, proposals, writer } = this.#engine;
    return raftMetrics({
      status: this.status,
      members: this.members(),
      logBytes: log.sizeBytes,
      uncommittedBytes: proposals.uncommittedBytes,
      elections: this.#story.elections,
      suspended: this.#engine.raft.suspended.length,
      suspensions: this.#suspensions,
      slowestWriteMs: writer.waitingMs,
      snapshotsSent: this.#snapshots.sentCount,
      snapshotsReceived: this.#snapshots.receivedCount,
      links: this.#streams.peers.links,
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#attendance.close();
    await Promise.all([this.#engine.close(), this.#streams.close(), this.#snapshots.stop()]);
    await this.#storage.log.close();
    await this.#storage.votes.close();
  }

  #stepped(input: Input, effects: Effects): void {
    const { raft } = this.#engine;
    this.#story.tell(raft);
    this.#tellLeader(raft.leader);
    if (effects.lost !== null) this.#snapshots.lost();
    for (const peer of effects.snapshots) this.#snapshots.send(peer);
    this.#transfers.stepped(effects);
    this.#attendance.stepped();
    if (input.kind === "tick") this.#transfers.leaveSlowDisk();
    if (effects.suspended !== null) this.#suspended(effects.suspended);
  }

  #tellLeader(leader: number | null): void {
    if (leader === this.#leader) return;
    this.#leader = leader;
    if (leader !== null && leader !== this.#options.nodeId) this.#options.listener.follows(leader);
  }

  #suspended(suspension: Suspension): void {
    this.#suspensions++;
    this.#options.listener.suspended(suspension);
  }

  #receive(from: Greeting, message: pb.RaftMessage): void {
    const voter = { nodeId: from.nodeId, directoryId: from.directoryId };
    const { raft } = this.#engine;
    const { case: kind } = message.message;
    if (kind === "snapshotChunk" || kind === "snapshotReply")
      this.#snapshots.receive(voter, message.message, message.term === raft.term && raft.leader === from.nodeId);
    else this.#engine.step({ kind: "message", from: voter, message: decodeMessage(message) });
  }

  #circumstances(): Circumstances {
    const { raft } = this.#engine;
    return {
      members: this.members(),
      commitIndex: raft.commitIndex,
      electionTimeoutMs: this.#options.electionTimeoutMs,
      whyNot: (voters) => raft.whyNotVoters(voters),
    };
  }
}
