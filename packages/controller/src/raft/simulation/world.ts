import type { Input, Limits, Voter, Voters } from "../types.ts";
import { includes } from "../voter-sets.ts";
import { Checks } from "./checks/index.ts";
import { SimulatedDisk, type Checkpoint } from "./disk.ts";
import { fold } from "./hash.ts";
import { SimulatedNetwork, type Letter } from "./network.ts";
import { SeededRandom } from "./random.ts";
import type { Sabotage } from "./sabotage.ts";
import { SimulatedVoter, type Result } from "./voter.ts";

/** A snapshot on its way. */
interface Parcel {
  readonly from: Voter;
  readonly to: Voter;
  readonly snapshot: Checkpoint;
}

/** Pure cores with simulated disks, a network between them, and checks after every step. All from one seed. */
export class World {
  readonly random: SeededRandom;
  readonly limits: Limits;
  readonly nodes = new Map<number, SimulatedVoter>();
  readonly all: readonly SimulatedVoter[];
  /** By directory id, those that were lost included. */
  readonly #disks = new Map<string, SimulatedDisk>();
  readonly network: SimulatedNetwork;
  readonly checks: Checks;
  /** Who is listed as a voter before there is a cluster. */
  readonly listed: readonly number[];
  /** Sets proposed of late: an entry under way may still bring them into a log. */
  #proposedSets: Voters[] = [];
  parcels: Parcel[] = [];
  /** Copies of disks, by directory. */
  readonly copies = new Map<string, SimulatedDisk>();
  /** Counts what happened, by name. */
  readonly counts = { crashes: 0, wipes: 0, oldDisks: 0, suspensions: 0, reads: 0, changes: 0, transfers: 0, installs: 0, elections: 0 };
  #trace = 0;
  #proposed = 0;
  #reads = 0;

  constructor(seed: number, voters: number, sabotage: Sabotage | null) {
    this.random = new SeededRandom(seed);
    const { random } = this;
    this.network = new SimulatedNetwork(random);
    this.limits = {
      heartbeatTicks: 2,
      electionTicks: 10 + random.below(10),
      maxMessageBytes: 40 * (1 + random.below(4)),
      maxInFlightBytes: 40 * (1 + random.below(8)),
      tailBytes: random.oneIn(2) ? 100 : 10_000,
    };
    this.listed = Array.from({ length: voters }, (_, i) => i + 1);
    for (let nodeId = 1; nodeId <= voters + 1; nodeId++)
      this.nodes.set(nodeId, new SimulatedVoter({ nodeId, directoryId: `d${nodeId}` }, new SimulatedDisk(), this.limits, random, sabotage));
    this.all = [...this.nodes.values()];
    for (const { self, disk } of this.all) this.#disks.set(self.directoryId, disk);
    this.checks = new Checks(this.#disks, this.limits.electionTicks);
    for (const voter of this.all) this.checks.begins(voter);
  }

  /** Of everything that happened so far. */
  get trace(): number {
    return this.#trace;
  }

  node(nodeId: number): SimulatedVoter {
    const voter = this.nodes.get(nodeId);
    if (voter === undefined) throw new Error(`no node ${nodeId}`);
    return voter;
  }

  other(voter: SimulatedVoter): SimulatedVoter {
    return this.random.pick(this.all.filter((other) => other !== voter));
  }

  /** The directory is the one that this node has now. */
  exists(who: Voter): boolean {
    return this.nodes.get(who.nodeId)?.self.directoryId === who.directoryId;
  }

  /** The leader of the highest term, if the others let it. */
  leader(): SimulatedVoter | null {
    let best: SimulatedVoter | null = null;
    for (const voter of this.all) if (voter.raft.role === "leader" && voter.raft.term > (best?.raft.term ?? 0)) best = voter;
    return best;
  }

  act(voter: SimulatedVoter, input: Input): void {
    this.#watch(voter, input, () => voter.step(input));
  }

  deliver({ from, to, message }: Letter): void {
    if (this.exists(to)) this.act(this.node(to.nodeId), { kind: "message", from, message });
  }

  sync(voter: SimulatedVoter): void {
    if (voter.writing) this.#watch(voter, { kind: "persisted", id: 0 }, () => voter.sync());
  }

  load(voter: SimulatedVoter): void {
    if (voter.loads.length > 0) this.#watch(voter, { kind: "loaded", peer: 0, entries: [] }, () => voter.answerLoad());
  }

  propose(voter: SimulatedVoter): void {
    if (voter.raft.role !== "leader" || voter.raft.transferring) return;
    const data = (): Uint8Array => new TextEncoder().encode(`p${++this.#proposed}`);
    const proposals = Array.from({ length: 1 + this.random.below(3) }, () => ({ data: data(), voters: null }));
    this.act(voter, { kind: "propose", proposals });
  }

  read(voter: SimulatedVoter): void {
    const id = ++this.#reads;
    this.checks.readBegins(id);
    this.act(voter, { kind: "read", id });
  }

  /** The leader packs what its disk holds for a peer that asked. */
  sendSnapshot(voter: SimulatedVoter): void {
    const to = voter.wantedSnapshots.shift();
    if (to === undefined) return;
    const snapshot = voter.disk.checkpoint;
    if (snapshot.last.index > 0) {
      this.checks.snapshot(voter, snapshot);
      this.parcels.push({ from: voter.self, to, snapshot });
    } else this.act(voter, { kind: "snapshotEnded", peer: to.nodeId });
  }

  takeSnapshot(parcel: Parcel): void {
    const { from, to, snapshot } = parcel;
    const receiver = this.node(to.nodeId);
    if (this.exists(to) && receiver.raft.needs(snapshot.last)) {
      this.counts.installs++;
      const held = this.checks.held(receiver);
      receiver.install(snapshot, this.random);
      this.checks.begins(receiver);
      this.checks.installed(receiver, held);
    }
    this.snapshotEnded(from, to);
  }

  snapshotEnded(from: Voter, to: Voter): void {
    if (this.exists(from)) this.act(this.node(from.nodeId), { kind: "snapshotEnded", peer: to.nodeId });
  }

  restart(voter: SimulatedVoter): void {
    this.counts.crashes++;
    voter.restart(this.random);
    this.checks.begins(voter);
  }

  wipe(voter: SimulatedVoter): void {
    voter.wipe(`d${voter.self.nodeId}.${++this.counts.wipes}`);
    this.#disks.set(voter.self.directoryId, voter.disk);
    this.checks.begins(voter);
  }

  goBack(voter: SimulatedVoter, copy: SimulatedDisk): void {
    this.counts.oldDisks++;
    this.checks.goesBack(voter);
    voter.goBack(copy);
    this.#disks.set(voter.self.directoryId, voter.disk);
    this.checks.begins(voter);
  }

  /** Whether a majority of these would be left without `lost`. Who holds an old copy is lost once a leader notices. */
  survives(voters: readonly Voter[], lost: SimulatedVoter | null): boolean {
    const left = voters.filter(
      (voter) => this.exists(voter) && !this.checks.lacks(this.node(voter.nodeId)) && voter.nodeId !== lost?.self.nodeId,
    );
    return left.length * 2 > voters.length;
  }

  mayCome(voters: Voters): void {
    this.#proposedSets = [...this.#proposedSets.slice(-3), voters];
  }

  /** Those that some node goes by, or may come to go by. */
  get setsInForce(): readonly Voters[] {
    return [...this.#proposedSets, ...this.all.flatMap(({ raft }) => (raft.voters === null ? [] : [raft.voters.voters]))];
  }

  /** No node goes by a set that would lose its majority with this node. A set that is not committed may need the votes of those that know better. */
  canLose(lost: SimulatedVoter): boolean {
    if (this.all.some(({ raft }) => (raft.voters?.index ?? 0) > Math.max(1, this.checks.committedIndex))) return false;
    return this.setsInForce.every((voters) => this.survives(voters, lost));
  }

  isMember({ raft, self }: SimulatedVoter): boolean {
    return includes(raft.voters?.voters ?? [], self);
  }

  #watch(voter: SimulatedVoter, input: Input, run: () => Result): void {
    const before = this.checks.before(voter);
    const result = run();
    this.checks.after(voter, before, input, result);
    const { raft, self } = voter;
    const { effects, messages } = result;
    if (effects.suspended !== null && effects.suspended.voter !== self) this.counts.suspensions++;
    if (raft.role === "leader" && before.role !== "leader") this.counts.elections++;
    for (const { index } of effects.reads) if (index !== null) this.counts.reads++;
    for (const { to, message } of messages) this.network.post({ from: self, to, message });
    this.#trace = fold(this.#trace, self.nodeId * 31 + input.kind.length);
    this.#trace = fold(this.#trace, raft.term * 1009 + raft.commitIndex);
    this.#trace = fold(this.#trace, raft.lastIndex * 31 + raft.role.length + messages.length * 7);
  }
}
