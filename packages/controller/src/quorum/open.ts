import { Raft, type Limits } from "../raft/index.ts";
import { DamagedControllerError } from "./damaged.ts";
import { EntryLog } from "./entry-log.ts";
import type { QuorumOptions } from "./options.ts";
import { VoteFile } from "./vote-file.ts";

const TICK_MS = 10;

export interface Storage {
  readonly log: EntryLog;
  readonly votes: VoteFile;
  readonly raft: Raft;
}

/** Opens log and vote and checks that they are of one piece. Closes again what it opened when they are not. */
export async function openStorage(options: QuorumOptions, on: { progress(): void; fatal(error: Error): void }): Promise<Storage> {
  const { host, directory, logger } = options;
  const path = `${directory}/vote`;
  const [log, votes] = await Promise.allSettled([
    EntryLog.open({ host, directory: `${directory}/raft`, logger, onFatal: (error) => on.fatal(error), onProgress: () => on.progress() }),
    VoteFile.open(host.disk, path),
  ]);
  if (log.status === "fulfilled" && votes.status === "fulfilled") {
    try {
      await finishInstall(options, log.value);
      requireComplete(options, log.value, votes.value !== null, path);
      const made = votes.value ?? (await VoteFile.create(host.disk, directory, path));
      return { log: log.value, votes: made, raft: restore(options, log.value, made) };
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
  const { index } = options.restored.applied;
  if (!hasVote && (log.lastIndex > 0 || index > 0))
    throw new DamagedControllerError(
      `Cannot start the controller: ${votePath} is missing, although its log goes up to entry ${Math.max(log.lastIndex, index)}, so this node could vote twice in one term. ` +
        `Restore the file from a copy, or remove this node's controller directory so that it returns as a new voter`,
    );
  if (log.lastIndex < index || log.firstIndex > index + 1)
    throw new DamagedControllerError(
      `Cannot start the controller: its log in ${log.path} holds entries ${log.firstIndex} to ${log.lastIndex}, but the checkpoint holds everything up to ${index}, so entries are missing. ` +
        `Restore the log from a copy, or remove this node's controller directory so that it returns as a new voter`,
    );
}

/** A snapshot from the leader came into its place, and the crash came before the log it covers was dropped. */
async function finishInstall({ restored: { installed, applied } }: QuorumOptions, log: EntryLog): Promise<void> {
  if (!installed || log.firstIndex === applied.index + 1) return;
  const holds = log.firstIndex <= applied.index && applied.index <= log.lastIndex;
  if (holds && log.terms.findLast(({ index }) => index <= applied.index)?.term === applied.term) return;
  if (log.firstIndex <= applied.index + 1) await log.resetTo(applied.index);
}

function restore(options: QuorumOptions, log: EntryLog, votes: VoteFile): Raft {
  const { nodeId, directoryId, host } = options;
  const { applied, voters } = options.restored;
  const { firstIndex, lastIndex, terms } = log;
  const known = voters.length === 0 ? [] : [{ index: applied.index, voters }];
  const voterSets = [...known, ...log.voterSets.filter(({ index }) => known.length === 0 || index > applied.index)];
  const base = firstIndex === applied.index + 1 ? applied : null;
  const restored = { ...votes.restored, firstIndex, lastIndex, base, voterSets, terms, commitIndex: applied.index };
  return new Raft({ self: { nodeId, directoryId }, limits: limitsOf(options), random: host.random, restored });
}

function limitsOf({ heartbeatIntervalMs, electionTimeoutMs }: QuorumOptions): Limits {
  return {
    heartbeatTicks: Math.max(1, Math.round(heartbeatIntervalMs / TICK_MS)),
    electionTicks: Math.max(1, Math.round(electionTimeoutMs / TICK_MS)),
    maxMessageBytes: 1 << 20,
    maxInFlightBytes: 4 << 20,
    tailBytes: 4 << 20,
  };
}
