import type { Input, Voters } from "../types.ts";
import { SimulatedDisk } from "./disk.ts";
import type { Letter } from "./network.ts";
import { entryText, messageText, persistText, voterText } from "./story-text.ts";
import { SimulatedVoter, type Result } from "./voter.ts";

const LIMITS = { heartbeatTicks: 10, electionTicks: 100, maxMessageBytes: 100, maxInFlightBytes: 1000, tailBytes: 10_000 };

/** Runs a script of commands and writes under each block, after `----`, what the voters did. Time, disks and the network move only when told:
 *
 *   voters 1 2 3             begins; randomness always draws 0, so that election timeouts are 100 ticks and retries the shortest
 *   tick NODE COUNT          time for one voter
 *   sync NODE...             its disk finishes everything that is being written
 *   deliver [FROM->TO]...    what is under way arrives, once, all of it or only between these
 *   drop [FROM->TO]...       it is lost
 *   settle [NODE...]         syncs and delivers until nothing happens; other voters get nothing
 *   leader NODE of NODE...   begins with an elected leader
 *   quietly COMMAND          without telling what happens
 *   propose NODE TEXT...     read NODE ID    broken | lost NODE PEER    crash NODE (unsynced writes are gone)    log
 *
 *   nodes 1 2 3              begins without voters                found NODE TEXT NODE...     founds with these voters
 *   change NODE NODE...      proposes these as the voters         learners NODE NODE...       these are fed without a vote
 *   transfer NODE [TO]       hands over                           wipe NODE                   comes back with another, empty directory
 *   trim NODE                saves its state, keeps the last entry of its log
 *   snapshot NODE            sends its saved state to the first that it owes one */
export class Story {
  #voters = new Map<number, SimulatedVoter>();
  #letters: Letter[] = [];
  #lines: string[] = [];

  tell(script: string): string {
    const told: string[] = [];
    for (const block of script.trimEnd().split("\n\n")) {
      const [commands = ""] = block.split(/^----$/m);
      this.#lines = [];
      for (const line of commands.trimEnd().split("\n")) if (!line.startsWith("#")) this.#run(line.trim());
      const quiet = commands
        .trimEnd()
        .split("\n")
        .every((line) => line.startsWith("#"));
      told.push(
        quiet ? commands.trimEnd() : [commands.trimEnd(), "----", ...(this.#lines.length === 0 ? ["nothing"] : this.#lines)].join("\n"),
      );
    }
    return `${told.join("\n\n")}\n`;
  }

  #run(line: string): void {
    const [command = "", ...words] = line.split(" ");
    const node = (): SimulatedVoter => this.#voter(Number(words[0]));
    switch (command) {
      case "voters":
        return this.#begin(words.map(Number));
      case "leader":
        return this.#elect(Number(words[0]), words.slice(2).map(Number));
      case "quietly":
        return this.#quietly(() => this.#run(words.join(" ")));
      case "tick":
        for (let i = 0; i < Number(words[1]); i++) this.#do(node(), { kind: "tick" });
        return;
      case "sync":
        for (const word of words) this.#sync(this.#voter(Number(word)));
        return;
      case "deliver":
        return this.#take(words).forEach((letter) => this.#hand(letter));
      case "drop":
        return void this.#take(words);
      case "settle":
        return this.#settle(words.length === 0 ? [...this.#voters.keys()] : words.map(Number));
      case "propose":
        return this.#do(node(), {
          kind: "propose",
          proposals: words.slice(1).map((word) => ({ data: new TextEncoder().encode(word), voters: null })),
        });
      case "nodes":
        return this.#empty(words.map(Number), null);
      case "found": {
        const voters = words.slice(2).map((word) => this.#voter(Number(word)).self);
        return this.#do(node(), {
          kind: "found",
          voters,
          data: new TextEncoder().encode(words[1]),
          term: Math.max(...[...this.#voters.values()].map(({ raft }) => raft.term)),
        });
      }
      case "change": {
        const voters = words.slice(1).map((word) => this.#voter(Number(word)).self);
        const refusal = node().raft.whyNotVoters(voters);
        if (refusal !== null) return this.#say(`${words[0]} may not: ${refusal}`);
        return this.#do(node(), { kind: "propose", proposals: [{ data: new Uint8Array(0), voters }] });
      }
      case "learners":
        return this.#do(node(), { kind: "learners", learners: words.slice(1).map((word) => this.#voter(Number(word)).self) });
      case "transfer":
        return this.#do(node(), { kind: "transfer", to: words[1] === undefined ? null : Number(words[1]) });
      case "wipe":
        node().wipe(`${node().self.directoryId}'`);
        return this.#say(`${words[0]} comes back empty, as ${voterText(node().self)}`);
      case "trim":
        node().checkpoint();
        node().trim(node().disk.checkpoint.last.index);
        return this.#say(`${words[0]} keeps its log from ${node().raft.firstIndex} on`);
      case "snapshot":
        return this.#sendSnapshot(node());
      case "read":
        return this.#do(node(), { kind: "read", id: Number(words[1]) });
      case "lost":
      case "broken":
        return this.#do(node(), { kind: command, peer: Number(words[1]) });
      case "crash":
        node().restart({ below: () => 0 });
        return this.#say(`${words[0]} restarts: ${this.#summary(node())}`);
      case "log":
        for (const voter of this.#voters.values()) this.#say(`${voter.self.nodeId}: ${this.#summary(voter)}`);
        return;
      default:
        throw new Error(`unknown command in a story: "${line}"`);
    }
  }

  #begin(ids: readonly number[]): void {
    this.#empty(
      ids,
      ids.map((nodeId) => ({ nodeId, directoryId: `d${nodeId}` })),
    );
  }

  #empty(ids: readonly number[], voters: Voters | null): void {
    for (const nodeId of ids) {
      const disk = new SimulatedDisk();
      if (voters !== null) disk.checkpoint = { ...disk.checkpoint, voters: { index: 0, voters } };
      this.#voters.set(nodeId, new SimulatedVoter({ nodeId, directoryId: `d${nodeId}` }, disk, LIMITS, { below: () => 0 }, null));
    }
    this.#say(`${ids.length} empty ${voters === null ? "node" : "voter"}${ids.length === 1 ? "" : "s"}`);
  }

  #sendSnapshot(from: SimulatedVoter): void {
    const to = from.wantedSnapshots.shift();
    if (to === undefined) throw new Error(`node ${from.self.nodeId} owes nobody a snapshot`);
    const { last } = from.disk.checkpoint;
    this.#say(`${from.self.nodeId} sends ${to.nodeId} the state after ${last.index}/${last.term}`);
    const receiver = this.#voter(to.nodeId);
    this.#show(receiver, () => receiver.offer(from.disk.checkpoint));
    this.#do(from, { kind: "snapshotEnded", peer: to.nodeId });
  }

  #elect(leader: number, ids: readonly number[]): void {
    this.#quietly(() => {
      this.#begin(ids);
      this.#run(`tick ${leader} ${LIMITS.electionTicks}`);
      this.#run("settle");
    });
    this.#run("log");
  }

  #quietly(run: () => void): void {
    const lines = this.#lines;
    this.#lines = [];
    run();
    this.#lines = lines;
  }

  #do(voter: SimulatedVoter, input: Input): void {
    this.#show(voter, () => voter.step(input));
  }

  #sync(voter: SimulatedVoter): void {
    while (voter.writing) {
      this.#say(`${voter.self.nodeId} disk done`);
      this.#show(voter, () => voter.sync());
    }
  }

  #hand({ from, to, message }: Letter): void {
    if (this.#voter(to.nodeId).self.directoryId !== to.directoryId) return;
    this.#do(this.#voter(to.nodeId), { kind: "message", from, message });
  }

  #take(routes: readonly string[]): Letter[] {
    const wanted = ({ from, to }: Letter): boolean => routes.length === 0 || routes.includes(`${from.nodeId}->${to.nodeId}`);
    const taken = this.#letters.filter(wanted);
    this.#letters = this.#letters.filter((letter) => !wanted(letter));
    return taken;
  }

  #settle(ids: readonly number[]): void {
    const among = ({ from, to }: Letter): boolean => ids.includes(from.nodeId) && ids.includes(to.nodeId);
    for (let rounds = 0; rounds < 100; rounds++) {
      const letters = this.#letters.filter(among);
      this.#letters = [];
      letters.forEach((letter) => this.#hand(letter));
      const writing = ids.map((id) => this.#voter(id)).filter((voter) => voter.writing);
      writing.forEach((voter) => this.#sync(voter));
      if (letters.length === 0 && writing.length === 0) return;
    }
    throw new Error("this story does not settle");
  }

  #show(voter: SimulatedVoter, run: () => Result): void {
    const node = voter.self.nodeId;
    const role = voter.raft.role;
    const { effects, messages } = run();
    if (voter.raft.role !== role) this.#say(`${node} is now ${voter.raft.role} in term ${voter.raft.term}`);
    const { persist, lost, committed, leading, reads, promises } = effects;
    if (persist !== null) {
      this.#say(`${node} writes ${persistText(persist)}`);
    }
    for (const { to, message } of promises) this.#say(`${node} -> ${to.nodeId} once written: ${messageText(message)}`);
    for (const { to, message } of messages) this.#say(`${node} -> ${to.nodeId} ${messageText(message)}`);
    if (lost !== null) this.#say(`${node} lost the leadership of term ${lost}`);
    if (committed !== null) this.#say(`${node} hands out ${committed.from}..${committed.to}`);
    if (leading !== null) this.#say(`${node} leads term ${leading}`);
    for (const { nodeId } of effects.snapshots) this.#say(`${node} owes ${nodeId} a snapshot`);
    if (effects.transferUndone) this.#say(`${node} keeps the leadership`);
    for (const { id, index } of reads) this.#say(index === null ? `${node} gives up read ${id}` : `${node} answers read ${id} at ${index}`);
    for (const { to, message } of messages) this.#letters.push({ from: voter.self, to, message });
    for (const { from, peer } of effects.loads) {
      this.#say(`${node} reads from ${from} on in its log for ${peer}`);
      this.#show(voter, () => voter.answerLoad());
    }
  }

  #summary({ raft, disk }: SimulatedVoter): string {
    const entries = disk.read(raft.firstIndex, raft.lastIndex + 1, raft.lastIndex).map(entryText);
    if (raft.firstIndex > 1) entries.unshift(`(${raft.firstIndex - 1} trimmed)`);
    return `${raft.role} in term ${raft.term}, committed ${raft.commitIndex} of ${entries.join(" ") || "nothing"}`;
  }

  #voter(nodeId: number): SimulatedVoter {
    const voter = this.#voters.get(nodeId);
    if (voter === undefined) throw new Error(`no voter ${nodeId} in this story`);
    return voter;
  }

  #say(line: string): void {
    this.#lines.push(line);
  }
}
