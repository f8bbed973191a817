import type { Input, Voters } from "../types.ts";
import { SimulatedDisk } from "./disk.ts";
import type { Letter } from "./network.ts";
import { entryText, messageText, persistText } from "./story-text.ts";
import { SimulatedVoter, type Result } from "./voter.ts";

export const STORY_LIMITS = { heartbeatTicks: 10, electionTicks: 100, maxMessageBytes: 100, maxInFlightBytes: 1000, tailBytes: 10_000 };

/** The nodes of a story and what is under way between them; it writes down what they do. */
export class Stage {
  readonly voters = new Map<number, SimulatedVoter>();
  lines: string[] = [];
  #letters: Letter[] = [];

  empty(ids: readonly number[], voters: Voters | null): void {
    for (const nodeId of ids) {
      const disk = new SimulatedDisk();
      if (voters !== null) disk.checkpoint = { ...disk.checkpoint, voters: { index: 0, voters } };
      this.voters.set(nodeId, new SimulatedVoter({ nodeId, directoryId: `d${nodeId}` }, disk, STORY_LIMITS, { below: () => 0 }, null));
    }
    this.say(`${ids.length} empty ${voters === null ? "node" : "voter"}${ids.length === 1 ? "" : "s"}`);
  }

  sendSnapshot(from: SimulatedVoter): void {
    const to = from.wantedSnapshots.shift();
    if (to === undefined) throw new Error(`node ${from.self.nodeId} owes nobody a snapshot`);
    const { last } = from.disk.checkpoint;
    this.say(`${from.self.nodeId} sends ${to.nodeId} the state after ${last.index}/${last.term}`);
    const receiver = this.voter(to.nodeId);
    if (receiver.raft.needs(last)) {
      receiver.install(from.disk.checkpoint, { below: () => 0 });
      this.say(`${to.nodeId} begins anew from it: ${this.summary(receiver)}`);
    }
    this.do(from, { kind: "snapshotEnded", peer: to.nodeId });
  }

  quietly(run: () => void): void {
    const lines = this.lines;
    this.lines = [];
    run();
    this.lines = lines;
  }

  do(voter: SimulatedVoter, input: Input): void {
    this.show(voter, () => voter.step(input));
  }

  sync(voter: SimulatedVoter): void {
    while (voter.writing) {
      this.say(`${voter.self.nodeId} disk done`);
      this.show(voter, () => voter.sync());
    }
  }

  hand({ from, to, message }: Letter): void {
    if (this.voter(to.nodeId).self.directoryId !== to.directoryId) return;
    this.do(this.voter(to.nodeId), { kind: "message", from, message });
  }

  take(routes: readonly string[]): Letter[] {
    const wanted = ({ from, to }: Letter): boolean => routes.length === 0 || routes.includes(`${from.nodeId}->${to.nodeId}`);
    const taken = this.#letters.filter(wanted);
    this.#letters = this.#letters.filter((letter) => !wanted(letter));
    return taken;
  }

  settle(ids: readonly number[]): void {
    const among = ({ from, to }: Letter): boolean => ids.includes(from.nodeId) && ids.includes(to.nodeId);
    for (let rounds = 0; rounds < 100; rounds++) {
      const letters = this.#letters.filter(among);
      this.#letters = [];
      letters.forEach((letter) => this.hand(letter));
      const writing = ids.map((id) => this.voter(id)).filter((voter) => voter.writing);
      writing.forEach((voter) => this.sync(voter));
      if (letters.length === 0 && writing.length === 0) return;
    }
    throw new Error("this story does not settle");
  }

  show(voter: SimulatedVoter, run: () => Result): void {
    const node = voter.self.nodeId;
    const role = voter.raft.role;
    const { effects, messages } = run();
    if (voter.raft.role !== role) this.say(`${node} is now ${voter.raft.role} in term ${voter.raft.term}`);
    const { persist, lost, committed, leading, reads, promises } = effects;
    if (persist !== null) {
      this.say(`${node} writes ${persistText(persist)}`);
    }
    for (const { to, message } of promises) this.say(`${node} -> ${to.nodeId} once written: ${messageText(message)}`);
    for (const { to, message } of messages) this.say(`${node} -> ${to.nodeId} ${messageText(message)}`);
    if (lost !== null) this.say(`${node} lost the leadership of term ${lost}`);
    if (committed !== null) this.say(`${node} hands out ${committed.from}..${committed.to}`);
    if (leading !== null) this.say(`${node} leads term ${leading}`);
    for (const { nodeId } of effects.snapshots) this.say(`${node} owes ${nodeId} a snapshot`);
    if (effects.suspended !== null) {
      const { voter: who, acknowledged, holds } = effects.suspended;
      this.say(`${node} finds that ${who.nodeId} held up to ${acknowledged} and holds up to ${holds}: it is suspended`);
    }
    if (effects.transferUndone) this.say(`${node} keeps the leadership`);
    for (const { id, index } of reads) this.say(index === null ? `${node} gives up read ${id}` : `${node} answers read ${id} at ${index}`);
    for (const { to, message } of messages) this.#letters.push({ from: voter.self, to, message });
    for (const { from, peer } of effects.loads) {
      this.say(`${node} reads from ${from} on in its log for ${peer}`);
      this.show(voter, () => voter.answerLoad());
    }
  }

  summary({ raft, disk }: SimulatedVoter): string {
    const entries = disk.read(raft.firstIndex, raft.lastIndex + 1, raft.lastIndex).map(entryText);
    if (raft.firstIndex > 1) entries.unshift(`(${raft.firstIndex - 1} trimmed)`);
    return `${raft.role} in term ${raft.term}, committed ${raft.commitIndex} of ${entries.join(" ") || "nothing"}`;
  }

  voter(nodeId: number): SimulatedVoter {
    const voter = this.voters.get(nodeId);
    if (voter === undefined) throw new Error(`no voter ${nodeId} in this story`);
    return voter;
  }

  say(line: string): void {
    this.lines.push(line);
  }
}
