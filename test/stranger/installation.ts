import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
export const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const packages = ["host", "protocol", "log", "metadata", "controller", "broker", "client", "node", "cli"];

export interface Installation {
  /** A folder outside the repository, with the packed packages installed. */
  readonly folder: string;
  /** By package directory: what its tarball holds. */
  readonly contents: ReadonlyMap<string, readonly string[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Packs every package and installs the tarballs in an empty folder, as from a registry. */
export async function install(): Promise<Installation> {
  const folder = await mkdtemp(join(tmpdir(), "ottla-stranger-"));
  const tarballs = join(folder, "tarballs");
  await mkdir(tarballs);
  const directories = packages.map((name) => `./packages/${name}`);
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", tarballs, ...directories], {
    cwd: root,
    maxBuffer: 64 << 20,
  });
  const packed: { filename: string; files: { path: string }[] }[] = JSON.parse(stdout);
  if (packed.length !== packages.length) throw new Error(`npm packed ${packed.length} of ${packages.length} packages`);
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "stranger", private: true, type: "module" }));
  const files = packed.map(({ filename }) => join(tarballs, filename));
  await run("npm", ["install", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", ...files], { cwd: folder });
  return {
    folder,
    contents: new Map(packed.map(({ files }, index) => [packages[index] ?? "", files.map(({ path }) => path)])),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
