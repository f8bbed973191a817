import { metadataVersions } from "@ottla/metadata";
import { join } from "node:path";
import type { Address, Host, Logger } from "@ottla/host";
import { pb, uuidToBytes } from "@ottla/protocol";
import { CheckpointDirectory } from "./checkpoint/directory.ts";
import { Checkpoints } from "./checkpoint/checkpoints.ts";
import { directoryIdOf, setAside } from "./directory-id.ts";
import { salvageEntries, VoteFile } from "./quorum/index.ts";
import type { LogPosition } from "./raft/index.ts";
import { checkState } from "./state/decide/founding.ts";
import { sameDigest } from "./state/digest.ts";
import { State } from "./state/state.ts";

export interface RecoveryOptions {
  readonly host: Host;
  readonly nodeId: number;
  /** `<data.dir>/controller` of a node that does not run. */
  readonly directory: string;
  /** Of the node's door, as other nodes reach it. */
  readonly address: Address;
  /** Goes on although entries are gone, or may be: others may have committed what this controller never heard of. */
  readonly acceptLoss: boolean;
  readonly logger: Logger;
}

export interface RecoveredController {
  readonly clusterId: string;
  /** Entries up to it are kept. */
  readonly keptIndex: number;
  /** The log went up to here. */
  readonly lastIndex: number;
  /** The voters before; what they know beyond `keptIndex` is given up, and their controller directories must be removed before they start again. */
  readonly formerVoters: readonly number[];
  /** Where the former directory is kept. */
  readonly aside: string;
}

/** Makes one controller, which is not running, the only voter of its cluster, with what its checkpoints and its log still give: for a cluster that lost the
 * majority of its controllers for good, and for a single one whose log or vote is damaged. The former directory is kept beside the new one.
 * @throws Error when nothing verifies; and, unless loss is accepted, when entries are gone or other voters may know more */
export async function recoverController(options: RecoveryOptions): Promise<RecoveredController> {
  const { host, nodeId, directory, address, acceptLoss } = options;
  const salvaged = await salvage(options);
  const { state, last, lastIndex } = salvaged;
  const clusterId = state.cluster?.clusterId;
  if (clusterId === undefined)
    throw new Error(
      `Cannot recover the controller in ${directory}: none of its checkpoints verifies, and its log does not give the founding of a cluster`,
    );
  const formerVoters = state.voters.map((voter) => voter.nodeId);
  const others = formerVoters.filter((voter) => voter !== nodeId);
  const gone = lastIndex > last.index ? `entries ${last.index + 1} to ${lastIndex} of its log cannot be read` : null;
  const unknown = others.length > 0 ? `controllers ${others.join(", ")} vote too and may know more` : null;
  if (!acceptLoss && (gone !== null || unknown !== null))
    throw new Error(
      `Cannot recover the controller in ${directory} without loss: ${[gone, unknown].filter((why) => why !== null).join("; ")}. Give --accept-loss to go on with what is known up to entry ${last.index}`,
    );
  const aside = await setAside(host, directory);
  const directoryId = await directoryIdOf(host, directory);
  const voter: pb.Voter = { nodeId, directoryId: uuidToBytes(directoryId), host: address.host, port: address.port };
  state.replay({ record: { case: "voters", value: { voters: [voter], replacing: [] } } }, []);
  // A history of its own from here: no other controller has an entry of this term at this index.
  const term = Math.max(last.term, salvaged.votedTerm) + 1;
  const votes = await VoteFile.create(host.disk, directory, join(directory, "vote"));
  await votes.save({ term, votedFor: null });
  await votes.close();
  const checkpoint = new CheckpointDirectory(host, join(directory, "checkpoint-a"));
  await checkpoint.rewrite({
    appliedIndex: last.index + 1,
    appliedTerm: term,
    digest: state.digest,
    installed: true,
    facts: [...state.facts()],
  });
  await checkpoint.close();
  return { clusterId, keptIndex: last.index, lastIndex, formerVoters, aside };
}

interface Salvaged {
  readonly state: State;
  readonly last: LogPosition;
  readonly lastIndex: number;
  readonly votedTerm: number;
}

async function salvage({ host, directory, logger }: RecoveryOptions): Promise<Salvaged> {
  const checkpoints = new Checkpoints(host, directory, Number.MAX_SAFE_INTEGER, logger);
  const restored = await checkpoints.restore(null);
  await checkpoints.close();
  const state = restored?.state ?? new State();
  let last: LogPosition = { index: restored?.appliedIndex ?? 0, term: restored?.appliedTerm ?? 0 };
  const onFatal = (error: Error): void => logger.error({ error }, "the controller's log cannot be read");
  const { entries, lastIndex } = await salvageEntries(
    { host, directory: join(directory, "raft"), logger, onFatal, onProgress: () => {} },
    last.index,
  );
  for (const { index, term, data } of entries) {
    if (data.length > 0) {
      const { digest, records } = pb.Entry.decode(data);
      if (records.length > 0 && !sameDigest(digest, state.digest)) break;
      for (const record of records) state.replay(record, []);
    }
    last = { index, term };
  }
  checkState(state, metadataVersions);
  return { state, last, lastIndex: Math.max(lastIndex, last.index), votedTerm: await votedTerm(host, directory) };
}

/** Of a vote that cannot be read nothing is known; nobody else votes with this directory any more. */
async function votedTerm({ disk }: Host, directory: string): Promise<number> {
  const votes = await VoteFile.open(disk, join(directory, "vote")).catch(() => null);
  await votes?.close();
  return votes?.restored.term ?? 0;
}
