import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
export const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const packages = ["host", "protocol", "log", "metadata", "controller", "broker", "client", "node", "cli"];

export interface Installation {
  /** A folder outside the repository, with the packed packages installed. */
  readonly folder: string;
  /** `ottla` */
  readonly command: string;
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
    command: join(folder, "node_modules/.bin/ottla"),
    contents: new Map(packed.map(({ files }, index) => [packages[index] ?? "", files.map(({ path }) => path)])),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A node of the installed command, on free ports. */
export async function startNode(
  { command, folder }: Installation,
  dataDirectory: string,
): Promise<{ readonly bootstrap: string } & AsyncDisposable> {
  const node = spawn(
    command,
    [
      ...["start", "--json", "--data-dir", dataDirectory, "--log-level", "warn"],
      ...["--grpc-listeners", "127.0.0.1:0", "--http-listeners", "127.0.0.1:0"],
    ],
    { cwd: folder, stdio: ["ignore", "pipe", "inherit"] },
  );
  const ended = once(node, "exit");
  const line = await Promise.race([
    once(createInterface({ input: node.stdout }), "line"),
    ended.then(([code]) => Promise.reject(new Error(`The node ended with ${code}`))),
  ]);
  const { bootstrap }: { bootstrap: string[] } = JSON.parse(String(line[0]));
  return {
    bootstrap: bootstrap.join(","),
    [Symbol.asyncDispose]: async () => {
      node.kill("SIGTERM");
      await ended;
    },
  };
}
