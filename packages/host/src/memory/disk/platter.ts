import assert from "node:assert";
import { DiskError } from "../../disk.ts";
import type { SeededRandom } from "../seeded-random.ts";
import type { FileNode, Keep } from "./file-node.ts";
import type { StoreContent } from "../store-content.ts";

export class DirectoryNode {
  readonly kind = "directory";
  cached = new Map<string, Node>();
  durable = new Map<string, Node>();
  /** The entries of a key-value store that lives in this directory. */
  store: StoreContent | null = null;
}

export type Node = FileNode | DirectoryNode;

/** Changes of names that become durable together. */
type NameChange = readonly { readonly directory: DirectoryNode; readonly name: string; readonly node: Node | null }[];

export interface Place {
  readonly parent: DirectoryNode;
  readonly name: string;
}

/** What stays when the power goes, and what the operating system of the present life believes. */
export class Platter {
  readonly random: SeededRandom;
  readonly capacityBytes: number;
  readonly root = new DirectoryNode();
  readonly locked = new Set<DirectoryNode>();
  usedBytes = 0;
  #journal: NameChange[] = [];

  constructor(random: SeededRandom, capacityBytes: number) {
    this.random = random;
    this.capacityBytes = capacityBytes;
  }

  find(path: string): Node | null {
    let node: Node = this.root;
    for (const name of parts(path)) {
      if (node.kind !== "directory") return null;
      const child = node.cached.get(name);
      if (child === undefined) return null;
      node = child;
    }
    return node;
  }

  directory(operation: string, path: string): DirectoryNode {
    const node = this.find(path);
    if (node === null) throw new DiskError(operation, path, "ENOENT");
    if (node.kind !== "directory") throw new DiskError(operation, path, "ENOTDIR");
    return node;
  }

  place(operation: string, path: string): Place {
    const names = parts(path);
    const name = names.pop();
    if (name === undefined) throw new DiskError(operation, path, "EPERM");
    return { parent: this.directory(operation, `/${names.join("/")}`), name };
  }

  /** With missing parents. */
  makeDirectory(path: string): DirectoryNode {
    let parent = this.root;
    for (const name of parts(path)) {
      const found = parent.cached.get(name);
      if (found?.kind === "file") throw new DiskError("make directory", path, "ENOTDIR");
      const directory = found ?? new DirectoryNode();
      if (found === undefined) this.link({ parent, name }, directory);
      parent = directory;
    }
    return parent;
  }

  link({ parent, name }: Place, node: Node): void {
    parent.cached.set(name, node);
    this.#journal.push([{ directory: parent, name, node }]);
  }

  unlink({ parent, name }: Place): void {
    const node = parent.cached.get(name);
    if (node?.kind === "file") this.usedBytes -= node.cached.size;
    if (node?.kind === "directory") for (const child of [...node.cached.keys()]) this.unlink({ parent: node, name: child });
    parent.cached.delete(name);
    this.#journal.push([{ directory: parent, name, node: null }]);
  }

  /** One change, whole or not at all, even between two directories. */
  move(from: Place, to: Place, node: Node): void {
    const replaced = to.parent.cached.get(to.name);
    if (replaced === node) return;
    if (replaced?.kind === "file") this.usedBytes -= replaced.cached.size;
    from.parent.cached.delete(from.name);
    to.parent.cached.set(to.name, node);
    this.#journal.push([
      { directory: from.parent, name: from.name, node: null },
      { directory: to.parent, name: to.name, node },
    ]);
  }

  /** Makes the names of one directory durable, with the earlier changes that they build on. */
  commitNames(directory: DirectoryNode): void {
    const reached = new Set([directory]);
    const later: NameChange[] = [];
    const now: NameChange[] = [];
    for (const change of this.#journal.toReversed()) {
      if (change.some(({ directory }) => reached.has(directory))) {
        for (const { directory } of change) reached.add(directory);
        now.push(change);
      } else later.push(change);
    }
    for (const change of now.reverse()) apply(change);
    this.#journal = later.reverse();
  }

  crash(keep: Keep): void {
    const journal = this.#journal;
    this.#journal = [];
    // File systems order the changes of one directory: once one is lost, so are those after it.
    const lost = new Set<DirectoryNode>();
    for (const change of keep === "none" ? [] : journal) {
      if (keep === "random" && (change.some(({ directory }) => lost.has(directory)) || this.random.below(3) === 0)) {
        for (const { directory } of change) lost.add(directory);
      } else apply(change);
    }
    this.locked.clear();
    this.usedBytes = 0;
    this.#restart(this.root, keep);
  }

  /** The process that wrote is gone: what it had begun in a store is there or is not, and nobody holds a lock. */
  killed(directory: DirectoryNode = this.root): void {
    if (directory === this.root) this.locked.clear();
    directory.store?.killed(this.random);
    for (const node of directory.cached.values()) if (node.kind === "directory") this.killed(node);
  }

  /** Of all that is there, durable or not; nobody holds a lock in it. */
  copy(random: SeededRandom): Platter {
    const copy = new Platter(random, this.capacityBytes);
    const copies = new Map<Node, Node>();
    const copyOf = (node: Node): Node => {
      const known = copies.get(node);
      if (known !== undefined) return known;
      const made = node.kind === "file" ? node.copy() : new DirectoryNode();
      copies.set(node, made);
      if (node.kind === "directory" && made.kind === "directory") fill(made, node);
      return made;
    };
    const fill = (made: DirectoryNode, from: DirectoryNode): void => {
      for (const [name, node] of from.cached) made.cached.set(name, copyOf(node));
      for (const [name, node] of from.durable) made.durable.set(name, copyOf(node));
      made.store = from.store?.copy() ?? null;
    };
    copies.set(this.root, copy.root);
    fill(copy.root, this.root);
    const directoryCopy = (directory: DirectoryNode): DirectoryNode => {
      const made = copyOf(directory);
      assert(made.kind === "directory", "the copy of a directory is one");
      return made;
    };
    copy.#journal = this.#journal.map((change) =>
      change.map(({ directory, name, node }) => ({ directory: directoryCopy(directory), name, node: node === null ? null : copyOf(node) })),
    );
    copy.usedBytes = this.usedBytes;
    return copy;
  }

  /** An older copy of the whole disk takes the place of what is there, all of it durable. The copy can be used again. */
  putBack(photograph: Platter): void {
    const { root } = photograph.copy(this.random);
    this.root.cached = root.cached;
    this.root.store = root.store;
    this.#journal = [];
    this.locked.clear();
    this.#settle(this.root);
    this.crash("none");
  }

  /** All that is there is durable. */
  #settle(directory: DirectoryNode): void {
    directory.durable = new Map(directory.cached);
    directory.store?.crash("all", this.random);
    for (const node of directory.cached.values()) {
      if (node.kind === "directory") this.#settle(node);
      else node.commit(node.changes);
    }
  }

  #restart(directory: DirectoryNode, keep: Keep): void {
    directory.cached = new Map(directory.durable);
    directory.store?.crash(keep, this.random);
    for (const node of directory.cached.values()) {
      if (node.kind === "directory") this.#restart(node, keep);
      else {
        node.crash(keep, this.random);
        this.usedBytes += node.cached.size;
      }
    }
  }
}

function apply(change: NameChange): void {
  for (const { directory, name, node } of change) {
    if (node === null) directory.durable.delete(name);
    else directory.durable.set(name, node);
  }
}

function parts(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}
