export type DiskOperation =
  | "open"
  | "size"
  | "read"
  | "write"
  | "truncate"
  | "sync"
  | "close"
  | "exists"
  | "list"
  | "makeDirectory"
  | "remove"
  | "removeDirectory"
  | "rename"
  | "syncDirectory"
  | "space"
  | "lock"
  | "store open"
  | "store get"
  | "store scan"
  | "store batch"
  | "store close"
  | "store remove"
  | "store rename";

export interface LoggedOperation {
  readonly operation: DiskOperation;
  readonly path: string;
  /** Counts from 1. */
  readonly n: number;
}

/** Older ones are only counted. */
const LISTED = 10_000;

/** What was asked of a disk. */
export class OperationLog {
  readonly #counts = new Map<DiskOperation, number>();
  #latest: LoggedOperation[] = [];
  #count = 0;

  add(operation: DiskOperation, path: string): number {
    this.#count += 1;
    this.#counts.set(operation, this.count(operation) + 1);
    this.#latest.push({ operation, path, n: this.#count });
    if (this.#latest.length > 2 * LISTED) this.#latest = this.#latest.slice(-LISTED);
    return this.#count;
  }

  count(operation?: DiskOperation): number {
    return operation === undefined ? this.#count : (this.#counts.get(operation) ?? 0);
  }

  /** Oldest first. */
  get latest(): readonly LoggedOperation[] {
    return this.#latest;
  }
}
