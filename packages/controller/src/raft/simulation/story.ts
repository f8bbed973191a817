import type { SimulatedDisk } from "./disk.ts";
import { Stage, STORY_LIMITS } from "./stage.ts";
import { voterText } from "./story-text.ts";
import type { SimulatedVoter } from "./voter.ts";

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
 *   propose NODE TEXT...     read NODE ID    broken | lost | reached NODE PEER    crash NODE (unsynced writes are gone)    log
 *
 *   nodes 1 2 3              begins without voters                found NODE TEXT NODE...     founds with these voters
 *   change NODE NODE...      proposes these as the voters         learners NODE NODE...       these are fed without a vote
 *   transfer NODE [TO]       hands over                           wipe NODE                   comes back with another, empty directory
 *   trim NODE                saves its state, keeps the last entry of its log
 *   save NODE                copies its disk
 *   old NODE                 comes back with that copy
 *   snapshot NODE            sends its saved state to the first that it owes one */
export class Story {
  readonly #stage = new Stage();
  readonly #copies = new Map<number, SimulatedDisk>();

  tell(script: string): string {
    const told: string[] = [];
    for (const block of script.trimEnd().split("\n\n")) {
      const [commands = ""] = block.split(/^----$/m);
      this.#stage.lines = [];
      for (const line of commands.trimEnd().split("\n")) if (!line.startsWith("#")) this.#run(line.trim());
      const quiet = commands
        .trimEnd()
        .split("\n")
        .every((line) => line.startsWith("#"));
      told.push(
        quiet
          ? commands.trimEnd()
          : [commands.trimEnd(), "----", ...(this.#stage.lines.length === 0 ? ["nothing"] : this.#stage.lines)].join("\n"),
      );
    }
    return `${told.join("\n\n")}\n`;
  }

  #run(line: string): void {
    const [command = "", ...words] = line.split(" ");
    const node = (): SimulatedVoter => this.#stage.voter(Number(words[0]));
    switch (command) {
      case "voters":
        return this.#begin(words.map(Number));
      case "leader":
        return this.#elect(Number(words[0]), words.slice(2).map(Number));
      case "quietly":
        return this.#stage.quietly(() => this.#run(words.join(" ")));
      case "tick":
        for (let i = 0; i < Number(words[1]); i++) this.#stage.do(node(), { kind: "tick" });
        return;
      case "sync":
        for (const word of words) this.#stage.sync(this.#stage.voter(Number(word)));
        return;
      case "deliver":
        return this.#stage.take(words).forEach((letter) => this.#stage.hand(letter));
      case "drop":
        return void this.#stage.take(words);
      case "settle":
        return this.#stage.settle(words.length === 0 ? [...this.#stage.voters.keys()] : words.map(Number));
      case "propose":
        return this.#stage.do(node(), {
          kind: "propose",
          proposals: words.slice(1).map((word) => ({ data: new TextEncoder().encode(word), voters: null })),
        });
      case "nodes":
        return this.#stage.empty(words.map(Number), null);
      case "found": {
        const voters = words.slice(2).map((word) => this.#stage.voter(Number(word)).self);
        return this.#stage.do(node(), {
          kind: "found",
          voters,
          data: new TextEncoder().encode(words[1]),
          term: Math.max(...[...this.#stage.voters.values()].map(({ raft }) => raft.term)),
        });
      }
      case "change": {
        const voters = words.slice(1).map((word) => this.#stage.voter(Number(word)).self);
        const refusal = node().raft.whyNotVoters(voters);
        if (refusal !== null) return this.#stage.say(`${words[0]} may not: ${refusal}`);
        return this.#stage.do(node(), { kind: "propose", proposals: [{ data: new Uint8Array(0), voters }] });
      }
      case "learners":
        return this.#stage.do(node(), { kind: "learners", learners: words.slice(1).map((word) => this.#stage.voter(Number(word)).self) });
      case "transfer":
        return this.#stage.do(node(), { kind: "transfer", to: words[1] === undefined ? null : Number(words[1]) });
      case "wipe":
        node().wipe(`${node().self.directoryId}'`);
        return this.#stage.say(`${words[0]} comes back empty, as ${voterText(node().self)}`);
      case "save":
        return void this.#copies.set(Number(words[0]), node().disk.copy());
      case "old": {
        const copy = this.#copies.get(Number(words[0]));
        if (copy === undefined) throw new Error(`no copy of the disk of ${words[0]}`);
        node().goBack(copy);
        return this.#stage.say(`${words[0]} comes back with an old disk: ${this.#stage.summary(node())}`);
      }
      case "trim":
        node().checkpoint();
        node().trim(node().disk.checkpoint.last.index);
        return this.#stage.say(`${words[0]} keeps its log from ${node().raft.firstIndex} on`);
      case "snapshot":
        return this.#stage.sendSnapshot(node());
      case "read":
        return this.#stage.do(node(), { kind: "read", id: Number(words[1]) });
      case "lost":
      case "broken":
      case "reached":
        return this.#stage.do(node(), { kind: command, peer: Number(words[1]) });
      case "crash":
        node().restart({ below: () => 0 });
        return this.#stage.say(`${words[0]} restarts: ${this.#stage.summary(node())}`);
      case "log":
        for (const voter of this.#stage.voters.values()) this.#stage.say(`${voter.self.nodeId}: ${this.#stage.summary(voter)}`);
        return;
      default:
        throw new Error(`unknown command in a story: "${line}"`);
    }
  }

  #begin(ids: readonly number[]): void {
    this.#stage.empty(
      ids,
      ids.map((nodeId) => ({ nodeId, directoryId: `d${nodeId}` })),
    );
  }

  #elect(leader: number, ids: readonly number[]): void {
    this.#stage.quietly(() => {
      this.#begin(ids);
      this.#run(`tick ${leader} ${STORY_LIMITS.electionTicks}`);
      this.#run("settle");
    });
    this.#run("log");
  }
}
