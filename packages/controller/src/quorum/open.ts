import { Raft, type Limits } from "../raft/index.ts";
import { EntryLog } from "./entry-log.ts";
import type { QuorumOptions } from "./options.ts";
import { VoteFile } from "./vote-file.ts";

/** Opens log and vote and checks that they are of one piece. Closes again what it opened when they are not. */
export async function openStorage(
  options: QuorumOptions,
  limits: Limits,
  on: { progress(): void; fatal(error: Error): void },
): Promise<{ log: EntryLog; votes: VoteFile; raft: Raft }> {
  const { host, directory, logger } = options;
  const path = `${directory}/vote`;
  const [log, votes] = await Promise.allSettled([
    EntryLog.open({ host, directory: `${directory}/raft`, logger, onFatal: (error) => on.fatal(error), onProgress: () => on.progress() }),
    VoteFile.open(host.disk, path),
  ]);
  if (log.status === "fulfilled" && votes.status === "fulfilled") {
    try {
      requireComplete(options, log.value, votes.value !== null, path);
      const made = votes.value ?? (await VoteFile.create(host.disk, directory, path));
      return { log: log.value, votes: made, raft: restore(options, limits, log.value, made) };
    } catch (error) {
      await log.value.close();
      await votes.value?.close();
      throw error;
    }
  }
  if (log.status === "fulfilled") await log.value.close();
  if (votes.status === "fulfilled") await votes.value?.close();
  throw log.status === "rejected" ? log.reason : votes.status === "rejected" ? votes.reason : new Error("unreachable");
}

function requireComplete(options: QuorumOptions, log: EntryLog, hasVote: boolean, votePath: string): void {
  const { appliedIndex } = options;
  if (!hasVote && (log.lastIndex > 0 || appliedIndex > 0))
    throw new Error(
      `Cannot start the controller: ${votePath} is missing, although its log goes up to entry ${Math.max(log.lastIndex, appliedIndex)}, so this node could vote twice in one term. ` +
        `Restore the file from a copy, or remove this node's controller directory so that it returns as a new voter`,
    );
  if (log.lastIndex < appliedIndex || log.firstIndex > appliedIndex + 1)
    throw new Error(
      `Cannot start the controller: its log in ${log.path} holds entries ${log.firstIndex} to ${log.lastIndex}, but the checkpoint holds everything up to ${appliedIndex}, so entries are missing. ` +
        `Restore the log from a copy, or remove this node's controller directory so that it returns as a new voter`,
    );
}

function restore(options: QuorumOptions, limits: Limits, log: EntryLog, votes: VoteFile): Raft {
  const { nodeId, directoryId, voters, appliedIndex, host } = options;
  const { firstIndex, lastIndex } = log;
  return new Raft({
    self: { nodeId, directoryId },
    voters,
    limits,
    random: host.random,
    restored: { ...votes.restored, firstIndex, lastIndex, terms: log.terms, commitIndex: appliedIndex },
  });
}
