import type { Ottla, Producer } from "@ottla/client";
import type { Journal } from "./journal.ts";

export const group = "billing";

/** A client whose every question and answer goes into the journal. Nothing throws: what fails is an outcome. */
export class ObservedClient {
  readonly ottla: Ottla;
  readonly #journal: Journal;
  readonly #sequences = new Map<string, number>();

  constructor(ottla: Ottla, journal: Journal) {
    this.ottla = ottla;
    this.#journal = journal;
  }

  /** @param name unique in the whole history */
  async send(producer: Producer, name: string, topic: string, partition: number, bytes: number): Promise<void> {
    const sequence = this.#sequences.get(name) ?? 0;
    this.#sequences.set(name, sequence + 1);
    const value = `${name}-${sequence}-`.padEnd(bytes, "x");
    const settle = this.#journal.send(name, sequence, topic, partition, value);
    try {
      const { offset } = await producer.send(topic, { value, partition });
      settle("ok", offset);
    } catch (error) {
      settle(certainlyNotAppended(error) ? "fail" : "unknown", -1);
    }
  }

  createTopic(name: string, partitions: number, configs: Record<string, string>): Promise<void> {
    const settle = this.#journal.change({ kind: "create topic", topic: name, number: partitions });
    return ending(settle, this.ottla.admin().createTopic({ name, partitions, configs }));
  }

  deleteTopic(name: string): Promise<void> {
    const settle = this.#journal.change({ kind: "delete topic", topic: name });
    return ending(settle, this.ottla.admin().deleteTopics([name]));
  }

  addPartitions(name: string, total: number): Promise<void> {
    const settle = this.#journal.change({ kind: "add partitions", topic: name, number: total });
    return ending(settle, this.ottla.admin().createPartitions(name, total));
  }

  alterTopic(topic: string, name: string, value: string): Promise<void> {
    const settle = this.#journal.change({ kind: "set config", topic, text: `${name}=${value}` });
    return ending(settle, this.ottla.admin().alterConfigs([{ resource: { topic }, set: { [name]: value } }]));
  }

  async deleteRecords(topic: string, partition: number, before: number): Promise<void> {
    const settle = this.#journal.change({ kind: "delete records", topic, partition, number: before });
    const deleted = this.ottla.admin().deleteRecords([{ topic, partition, before }]);
    await ending((outcome) => settle(outcome), deleted);
  }

  async observeStart(topic: string, partition: number): Promise<void> {
    const settle = this.#journal.change({ kind: "observe start", topic, partition });
    try {
      const [found] = await this.ottla.admin().listOffsets([{ topic, partition, at: "earliest" }]);
      settle("ok", found!.offset);
    } catch {
      settle("unknown");
    }
  }

  commit(topic: string, partition: number, offset: number): Promise<void> {
    const settle = this.#journal.commit("commit", group, topic, partition, offset);
    return ending((outcome) => settle(outcome, offset), this.ottla.admin().commitGroupOffsets(group, [{ topic, partition, offset }]));
  }

  async fetchCommitted(topic: string, partition: number): Promise<void> {
    const settle = this.#journal.commit("committed", group, topic, partition, -1);
    try {
      const [found] = await this.ottla.admin().fetchGroupOffsets(group, [{ topic, partition }]);
      settle("ok", found?.offset ?? -1);
    } catch {
      settle("unknown", -1);
    }
  }
}

async function ending(settle: (outcome: "ok" | "unknown") => unknown, work: Promise<unknown>): Promise<void> {
  try {
    await work;
    settle("ok");
  } catch {
    settle("unknown");
  }
}

function certainlyNotAppended(error: unknown): boolean {
  return error instanceof Error && "outcome" in error && error.outcome === "not-appended";
}
