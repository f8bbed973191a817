import type { Entry, Input, LogPosition, Message } from "../types.ts";
import { SimulatedDisk } from "./disk.ts";
import type { Letter } from "./network.ts";
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
 *   propose NODE TEXT...     read NODE ID    lost NODE PEER    crash NODE (unsynced writes are gone)    log */
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
      case "read":
        return this.#do(node(), { kind: "read", id: Number(words[1]) });
      case "lost":
        return this.#do(node(), { kind: "lost", peer: Number(words[1]) });
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
    const voters = ids.map((nodeId) => ({ nodeId, directoryId: `d${nodeId}` }));
    for (const self of voters) {
      const disk = new SimulatedDisk();
      disk.checkpoint = { ...disk.checkpoint, voters: { index: 0, voters } };
      this.#voters.set(self.nodeId, new SimulatedVoter(self, disk, LIMITS, { below: () => 0 }, null));
    }
    this.#say(`${ids.length} empty voter${ids.length === 1 ? "" : "s"}`);
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
      const vote = persist.vote === null ? [] : [`term ${persist.vote.term}, vote ${persist.vote.votedFor?.nodeId ?? "none"}`];
      const cut = persist.truncateFrom === null ? [] : [`cut from ${persist.truncateFrom}`];
      this.#say(`${node} writes ${[...vote, ...cut, ...persist.entries.map(entryText)].join("; ")}`);
    }
    for (const { to, message } of promises) this.#say(`${node} -> ${to.nodeId} once written: ${messageText(message)}`);
    for (const { to, message } of messages) this.#say(`${node} -> ${to.nodeId} ${messageText(message)}`);
    if (lost !== null) this.#say(`${node} lost the leadership of term ${lost}`);
    if (committed !== null) this.#say(`${node} hands out ${committed.from}..${committed.to}`);
    if (leading !== null) this.#say(`${node} leads term ${leading}`);
    for (const { id, index } of reads) this.#say(index === null ? `${node} gives up read ${id}` : `${node} answers read ${id} at ${index}`);
    for (const { to, message } of messages) this.#letters.push({ from: voter.self, to, message });
    for (const { from, peer } of effects.loads) {
      this.#say(`${node} reads from ${from} on in its log for ${peer}`);
      this.#show(voter, () => voter.answerLoad());
    }
  }

  #summary({ raft, disk }: SimulatedVoter): string {
    const entries = disk.read(1, raft.lastIndex + 1, raft.lastIndex).map(entryText);
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

function entryText(entry: Entry): string {
  return `${entry.index}/${entry.term}${entry.data.length === 0 ? "" : `:${new TextDecoder().decode(entry.data)}`}`;
}

function positionText({ index, term }: LogPosition): string {
  return `${index}/${term}`;
}

function messageText(message: Message): string {
  const { term } = message;
  switch (message.kind) {
    case "vote-request":
      return `${message.preVote ? "would you vote" : "vote"} for me in term ${term}, my log ends at ${positionText(message.last)}`;
    case "vote-reply":
      return `${message.granted ? "yes" : "no"}${message.preVote ? `, I would${message.granted ? "" : " not"}` : ""} (term ${term})`;
    case "append-request":
      return `after ${positionText(message.previous)} append ${message.entries.map(entryText).join(" ") || "nothing"} (term ${term}, committed ${message.commitIndex}, round ${message.round})`;
    case "timeout-now":
      return `campaign at once, if your log ends at ${positionText(message.last)} (term ${term})`;
    case "append-reply":
      return `${message.success ? "I hold" : "no, try after"} ${message.matchIndex} (term ${term}, round ${message.round})`;
  }
}
