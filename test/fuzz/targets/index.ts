import type { Target } from "../target.ts";
import { batchTargets } from "./batches.ts";
import { dataDirectoryTargets } from "./data-directory.ts";
import { messageTargets } from "./messages.ts";
import { settingsTarget } from "./settings.ts";

export async function targets(): Promise<Target[]> {
  return [...messageTargets(), ...batchTargets(), settingsTarget(), ...(await dataDirectoryTargets())];
}
