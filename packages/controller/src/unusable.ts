import type { Checkpoints } from "./checkpoint/checkpoints.ts";
import { DamagedControllerError } from "./quorum/index.ts";

/** The log says what it lacks; without a checkpoint the reader also needs to know where one should be. */
export function explained(error: unknown, checkpoints: Checkpoints, restoredFrom: string | null): unknown {
  if (restoredFrom !== null || !(error instanceof Error)) return error;
  const why = checkpoints.damaged.map(({ directory, reason }) => `${directory}: ${reason}`).join("; ");
  const Kind = error instanceof DamagedControllerError ? DamagedControllerError : Error;
  return new Kind(`${error.message} (no checkpoint in ${checkpoints.paths.join(" and ")} can be used${why === "" ? "" : `: ${why}`})`, {
    cause: error,
  });
}
