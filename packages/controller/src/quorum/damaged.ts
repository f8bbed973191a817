/** What this controller had promised to keep is not all there: it may not vote with the rest. Where others hold the same, it begins anew as another voter. */
export class DamagedControllerError extends Error {
  override readonly name = "DamagedControllerError";
}
