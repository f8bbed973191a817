import { join } from "node:path";
import type { Host } from "@ottla/host";
import type { LogPosition } from "../raft/index.ts";
import { sameDigest } from "../state/digest.ts";
import { decodeFact, factKey } from "../state/fact.ts";
import type { SnapshotSink } from "../quorum/index.ts";
import { CheckpointDirectory } from "./directory.ts";

/** A state that the leader sends, built in a third directory beside the two checkpoints. */
export class ReceivedCheckpoint implements SnapshotSink {
  readonly directory: CheckpointDirectory;
  #coming: { readonly last: LogPosition; readonly digest: Uint8Array } | null = null;

  constructor(host: Host, controllerDirectory: string) {
    this.directory = new CheckpointDirectory(host, join(controllerDirectory, "checkpoint-received"));
  }

  async begin(last: LogPosition, digest: Uint8Array): Promise<void> {
    this.#coming = null;
    await this.directory.begin();
    this.#coming = { last, digest };
  }

  async add(facts: readonly Uint8Array[]): Promise<void> {
    await this.directory.add(
      facts.map((bytes) => {
        const fact = decodeFact(bytes.slice());
        return [factKey(fact), fact] as const;
      }),
    );
  }

  /** Reads all of it back, as a start would. */
  async finish(): Promise<void> {
    const coming = this.#coming;
    if (coming === null) throw new Error("the state ended before it began");
    this.#coming = null;
    const { last, digest } = coming;
    await this.directory.complete({ appliedIndex: last.index, appliedTerm: last.term, digest, installed: true });
    const loaded = await this.directory.load();
    await this.directory.close();
    if (loaded.appliedIndex !== last.index || !sameDigest(loaded.digest, digest))
      throw new Error("another state was read back than was sent");
  }

  close(): Promise<void> {
    return this.directory.close();
  }
}
