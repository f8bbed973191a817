import type { Disk, DiskFile } from "@ottla/host";
import { crc32c, uuidFromBytes } from "@ottla/protocol";
import { DamagedControllerError } from "./damaged.ts";
import type { Voter } from "../raft/index.ts";

export interface Vote {
  readonly term: number;
  readonly votedFor: Voter | null;
}

const MAGIC = 0x4f565431;
const SLOT_BYTES = 48;
/** Slots lie a page apart, so that a torn write of one leaves the other alone. */
const SLOT_POSITIONS = [0, 4096] as const;
const FILE_BYTES = 8192;
const NOBODY = -1;

/** Term and vote of this controller in two slots, written in turn, each write synced (docs/formats/vote-file.md). A voter that forgets its vote can
 * elect two leaders, so a file without a readable slot stops the node. */
export class VoteFile {
  readonly #file: DiskFile;
  #sequence: number;
  /** The newest durable content. */
  readonly restored: Vote;

  private constructor(file: DiskFile, sequence: number, restored: Vote) {
    this.#file = file;
    this.#sequence = sequence;
    this.restored = restored;
  }

  /** Null when there is no such file. */
  static async open(disk: Disk, path: string): Promise<VoteFile | null> {
    if (!(await disk.exists(path))) return null;
    const file = await disk.open(path, "write");
    const bytes = new Uint8Array(FILE_BYTES);
    const length = await file.read(bytes, 0);
    const slots = SLOT_POSITIONS.map((at) => readSlot(bytes, at, length)).filter((slot) => slot !== null);
    const newest = slots.toSorted((a, b) => b.sequence - a.sequence)[0];
    if (newest === undefined) {
      await file.close();
      throw new DamagedControllerError(
        `Cannot read the vote of this controller: neither slot of ${path} (${length} bytes) has a valid checksum, so this node could vote twice in one term. ` +
          `Restore the file from a copy, or remove this node's controller directory so that it returns as a new voter; with a single controller that loses the cluster's metadata`,
      );
    }
    return new VoteFile(file, newest.sequence, newest.vote);
  }

  /** Makes the file whole before it bears its name. */
  static async create(disk: Disk, directory: string, path: string): Promise<VoteFile> {
    const draft = `${path}.new`;
    const file = await disk.open(draft, "create");
    const content = new Uint8Array(FILE_BYTES);
    content.set(slot(1, { term: 0, votedFor: null }), SLOT_POSITIONS[0]);
    await file.write([content], 0);
    await file.sync();
    await file.close();
    await disk.rename(draft, path);
    await disk.syncDirectory(directory);
    const created = await VoteFile.open(disk, path);
    if (created === null) throw new Error(`Cannot create ${path}: it vanished after it was renamed into its place`);
    return created;
  }

  /** Resolves once it is on disk. The caller waits for one before the next. */
  async save(vote: Vote): Promise<void> {
    const sequence = this.#sequence + 1;
    await this.#file.write([slot(sequence, vote)], SLOT_POSITIONS[sequence % 2 === 1 ? 0 : 1]);
    await this.#file.sync();
    this.#sequence = sequence;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function slot(sequence: number, vote: Vote): Uint8Array {
  const bytes = Buffer.alloc(SLOT_BYTES);
  bytes.writeUInt32BE(MAGIC, 0);
  bytes.writeBigUInt64BE(BigInt(sequence), 4);
  bytes.writeBigUInt64BE(BigInt(vote.term), 12);
  bytes.writeInt32BE(vote.votedFor?.nodeId ?? NOBODY, 20);
  if (vote.votedFor !== null) bytes.write(vote.votedFor.directoryId, 24, 16, "hex");
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, SLOT_BYTES - 4)), SLOT_BYTES - 4);
  return bytes;
}

function readSlot(file: Uint8Array, at: number, length: number): { sequence: number; vote: Vote } | null {
  if (at + SLOT_BYTES > length) return null;
  const bytes = Buffer.from(file.buffer, file.byteOffset + at, SLOT_BYTES);
  if (bytes.readUInt32BE(0) !== MAGIC || bytes.readUInt32BE(SLOT_BYTES - 4) !== crc32c(bytes.subarray(0, SLOT_BYTES - 4))) return null;
  const nodeId = bytes.readInt32BE(20);
  const votedFor = nodeId === NOBODY ? null : { nodeId, directoryId: uuidFromBytes(bytes.subarray(24, 40)) };
  return { sequence: Number(bytes.readBigUInt64BE(4)), vote: { term: Number(bytes.readBigUInt64BE(12)), votedFor } };
}
