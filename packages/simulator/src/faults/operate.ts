import { Ottla } from "@ottla/client";
import { type Clock, delay, type SeededRandom } from "@ottla/host";
import { type ErrorName, ProtocolError } from "@ottla/protocol";
import type { Cluster } from "../cluster/cluster.ts";

export interface OperatorSurroundings {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly topic: string;
  readonly partitions: number;
  /** What readers begin at, whatever happens to them. */
  readonly group: string;
  note(text: string): void;
}

const CALL_MS = 5_000;
const TRIES = 20;

/** What a person does to a running cluster; one thing at a time, and again when it fails. */
export class Operator {
  readonly #around: OperatorSurroundings;
  #busy = false;
  #topics = 0;

  constructor(around: OperatorSurroundings) {
    this.#around = around;
  }

  /** Something is being changed, voters perhaps. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Deletes records that every reader is past. */
  deleteRecords(): Promise<void> {
    return this.#act("delete records", async (ottla) => {
      const { random, topic, partitions, group } = this.#around;
      const partition = random.below(partitions);
      const [committed] = await ottla.admin().fetchGroupOffsets(group, [{ topic, partition }], { timeoutMs: CALL_MS });
      const before = (committed?.offset ?? 0) - random.below(50);
      if (before > 0) await ottla.admin().deleteRecords([{ topic, partition, before }], { timeoutMs: CALL_MS });
    });
  }

  /** From now on records are synced at other times. */
  changeFlushPolicy(policy: string): Promise<void> {
    return this.#act(`change the flush policy to ${policy}`, async (ottla) => {
      const { topic, note } = this.#around;
      await ottla.admin().alterConfigs([{ resource: { topic }, set: { "flush.policy": policy } }], { timeoutMs: CALL_MS });
      note(`the flush policy is ${policy}`);
    });
  }

  /** Makes a topic, fills it a little, deletes it. */
  passingTopic(forMs: number): Promise<void> {
    const name = `passing-${(this.#topics += 1)}`;
    return this.#act("make and delete a topic", async (ottla) => {
      const { clock } = this.#around;
      await this.#insist(() => ottla.admin().createTopic({ name, partitions: 2 }, { timeoutMs: CALL_MS }), "TOPIC_ALREADY_EXISTS");
      const producer = ottla.producer({ lingerMs: 2, deliveryTimeoutMs: 10_000 });
      for (let count = 0; count < 10; count += 1) void producer.send(name, { value: `${count}` }).catch(() => {});
      await delay(clock, forMs);
      await this.#insist(() => ottla.admin().deleteTopics([name], { timeoutMs: CALL_MS }), "UNKNOWN_TOPIC_OR_PARTITION");
      await producer.close();
    });
  }

  /** Gives a partition its replicas in another order, and with a node that joined. */
  movePartition(): Promise<void> {
    return this.#act("move a partition", (ottla) => this.#move(ottla, this.#around.cluster.members));
  }

  /** Takes the vote of a node and gives it back. */
  changeVoters(node: number, forMs: number): Promise<void> {
    return this.#act(`change the vote of node ${node}`, async (ottla) => {
      await this.#insist(() => ottla.admin().removeVoter(node, { timeoutMs: CALL_MS }), "VOTER_NOT_FOUND");
      await delay(this.#around.clock, forMs);
      await this.#insist(() => ottla.admin().addVoter(node, { timeoutMs: CALL_MS }), "DUPLICATE_VOTER");
    });
  }

  /** A node joins, takes replicas, is drained, and leaves. */
  joinAndDrain(forMs: number): Promise<void> {
    return this.#act("let a node join and drain it", async (ottla) => {
      const { cluster, clock } = this.#around;
      const { guest } = cluster;
      if (guest.up) return;
      await cluster.start(guest.nodeId);
      for (let count = 0; count < 100 && !guest.serving; count += 1) await delay(clock, 100);
      for (let count = 0; count < 2; count += 1) await this.#move(ottla, cluster.members, guest.nodeId).catch(() => {});
      await delay(clock, forMs);
      let left = -1;
      for (let count = 0; count < 4 * TRIES && left !== 0; count += 1) {
        left = await ottla
          .admin()
          .drainBroker(guest.nodeId, { timeoutMs: CALL_MS })
          .then(
            ({ replicasLeft }) => replicasLeft,
            () => -1,
          );
        await delay(clock, 300);
      }
      this.#around.note(`node ${guest.nodeId} has ${left} replicas left`);
      if (left !== 0) return;
      await guest.stop();
      await this.#insist(() => ottla.admin().removeBroker(guest.nodeId, { timeoutMs: CALL_MS }), "BROKER_ID_NOT_REGISTERED");
    });
  }

  async #move(ottla: Ottla, members: readonly number[], first?: number): Promise<void> {
    const { random, topic, partitions } = this.#around;
    const others = members.filter((node) => node !== first);
    for (let at = others.length - 1; at > 0; at -= 1) {
      const other = random.below(at + 1);
      [others[at], others[other]] = [others[other] ?? 0, others[at] ?? 0];
    }
    const replicas = [...(first === undefined ? [] : [first]), ...others].slice(0, Math.min(3, others.length));
    await ottla.admin().reassignPartitions([{ topic, partition: random.below(partitions), replicas }], { timeoutMs: CALL_MS });
  }

  async #act(what: string, act: (ottla: Ottla) => Promise<void>): Promise<void> {
    const { cluster, note } = this.#around;
    const [host] = cluster.clients;
    if (this.#busy || host === undefined) return;
    this.#busy = true;
    const ottla = new Ottla({ host, bootstrap: cluster.bootstrap, clientId: "operator", requestTimeoutMs: CALL_MS });
    try {
      await act(ottla);
    } catch (error) {
      note(`could not ${what}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      await ottla.close();
      this.#busy = false;
    }
  }

  /** @param done the code that says that an earlier try did it */
  async #insist(attempt: () => Promise<unknown>, done: ErrorName): Promise<void> {
    for (let count = 1; ; count += 1)
      try {
        await attempt();
        return;
      } catch (error) {
        if (error instanceof ProtocolError && error.error === done) return;
        if (count === TRIES) throw error;
        await delay(this.#around.clock, 500);
      }
  }
}
