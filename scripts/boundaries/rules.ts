import path from "node:path";
import { importedNames, packageOf } from "./imports.ts";

/** Whom each package may import: only those below it. */
export const permitted: ReadonlyMap<string, readonly string[]> = new Map([
  ["@ottla/host", []],
  ["@ottla/protocol", ["@ottla/host"]],
  ["@ottla/log", ["@ottla/host", "@ottla/protocol"]],
  ["@ottla/metadata", ["@ottla/protocol"]],
  ["@ottla/controller", ["@ottla/host", "@ottla/protocol", "@ottla/log", "@ottla/metadata"]],
  ["@ottla/broker", ["@ottla/host", "@ottla/protocol", "@ottla/log", "@ottla/metadata"]],
  ["@ottla/client", ["@ottla/host", "@ottla/protocol"]],
  ["@ottla/node", ["@ottla/host", "@ottla/protocol", "@ottla/log", "@ottla/metadata", "@ottla/controller", "@ottla/broker"]],
  [
    "@ottla/simulator",
    [
      "@ottla/host",
      "@ottla/protocol",
      "@ottla/log",
      "@ottla/metadata",
      "@ottla/controller",
      "@ottla/broker",
      "@ottla/client",
      "@ottla/node",
    ],
  ],
  ["ottla", ["@ottla/host", "@ottla/protocol", "@ottla/log", "@ottla/controller", "@ottla/client", "@ottla/node"]],
]);

/** What the bundle of the command leaves outside, so that it must be installed beside it. */
const besideTheBundle: readonly string[] = ["classic-level", "@node-rs/crc32", "snappy", "lz4-napi", "@mongodb-js/zstd"];

/** Folders that may import from within themselves alone. */
const closedFolders = ["packages/controller/src/raft"];

const testTools = new Set(["vitest", "fast-check"]);

export interface PackageFiles {
  readonly name: string;
  /** From the root of the repository, as in `packages/log`. */
  readonly directory: string;
  readonly dependencies: readonly string[];
  readonly optionalDependencies: readonly string[];
  /** For its tests. */
  readonly devDependencies: readonly string[];
  /** Directories of tsconfig.json's references. */
  readonly references: readonly string[];
  /** By path from the root of the repository. */
  readonly sources: ReadonlyMap<string, string>;
}

/** Every import that a package should not have, and every dependency that its imports and its package.json do not agree on. */
export function violations(pack: PackageFiles): string[] {
  const found: string[] = [];
  const allowed = permitted.get(pack.name);
  if (allowed === undefined)
    return [`${pack.directory}: no rule says what ${pack.name} may import; add one to scripts/boundaries/rules.ts`];
  const used = new Set<string>();
  const declared = new Set([...pack.dependencies, ...pack.optionalDependencies]);
  for (const [file, source] of pack.sources) {
    const names = importedNames(source);
    // A suite that several tests share imports vitest too.
    const isTest = /\.test([.-]kit)?\.ts$/.test(file) || names.includes("vitest");
    for (const name of names) {
      const reason = forbidden(file, name, pack, allowed, isTest);
      if (reason !== null) found.push(`${file}: imports "${name}": ${reason}`);
      if (name.startsWith(".") || name.startsWith("node:")) continue;
      if (!isTest) used.add(packageOf(name));
      else if (!declared.has(packageOf(name)) && !testTools.has(name) && !pack.devDependencies.includes(packageOf(name)))
        found.push(`${file}: imports "${name}", which ${pack.directory}/package.json does not depend on`);
    }
  }
  for (const name of used)
    if (!declared.has(name)) found.push(`${pack.directory}/package.json: lacks the dependency ${name}, which its sources import`);
  for (const name of declared) {
    if (!used.has(name) && !(pack.name === "ottla" && besideTheBundle.includes(name)))
      found.push(`${pack.directory}/package.json: depends on ${name}, which none of its sources imports`);
  }
  return [...found, ...wrongReferences(pack)];
}

function forbidden(file: string, name: string, pack: PackageFiles, allowed: readonly string[], isTest: boolean): string | null {
  const closed = closedFolders.find((folder) => file.startsWith(`${folder}/`));
  if (name.startsWith(".")) {
    const target = path.posix.join(path.posix.dirname(file), name);
    if (!target.startsWith(`${pack.directory}/src/`) && !(pack.name === "ottla" && target === `${pack.directory}/package.json`))
      return "a relative import stays within its package";
    return closed === undefined || target.startsWith(`${closed}/`) ? null : `${closed} imports nothing outside its folder`;
  }
  if (closed !== undefined && !(isTest && (testTools.has(name) || name.startsWith("node:"))))
    return `${closed} imports nothing outside its folder`;
  if (!permitted.has(packageOf(name))) return null;
  if (name !== packageOf(name)) return "a package is imported through its door, without a path";
  if (name === pack.name) return "a package imports its own files by relative path";
  return allowed.includes(name) ? null : `${pack.name} may import ${allowed.join(", ") || "no other package"}`;
}

/** The compiler builds what package.json names, no more and no less. */
function wrongReferences(pack: PackageFiles): string[] {
  const needed = pack.dependencies.filter((name) => permitted.has(name)).map((name) => `../${name.replace("@ottla/", "")}`);
  const missing = needed.filter((reference) => !pack.references.includes(reference));
  const surplus = pack.references.filter((reference) => !needed.includes(reference));
  return [
    ...missing.map((reference) => `${pack.directory}/tsconfig.json: lacks the reference ${reference}`),
    ...surplus.map((reference) => `${pack.directory}/tsconfig.json: has the reference ${reference}, which package.json does not depend on`),
  ];
}
