// The `ottla` command as one file: start-up is mostly module loading, and one file with V8's compiled code beside it starts twice as fast.
import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { Script } from "node:vm";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const bundle = join(root, "packages/cli/dist/bundle/ottla.cjs");

/** Native addons, which cannot be bundled; the command's package depends on each. */
const addons = ["classic-level", "@node-rs/crc32", "snappy", "lz4-napi", "@mongodb-js/zstd"];

await rm(dirname(bundle), { recursive: true, force: true });
await build({
  entryPoints: [join(root, "packages/cli/src/main.ts")],
  outfile: bundle,
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  conditions: ["ottla-source"],
  external: addons,
  // A script that comes from V8's cache has lost whom to ask for a dynamic import; `require` it has.
  supported: { "dynamic-import": false },
  define: { "import.meta.url": "importMetaUrl" },
  inject: [],
  banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
  minifySyntax: true,
  sourcemap: "linked",
  legalComments: "linked",
  logLevel: "warning",
});

// The launcher sets the same flag: V8 takes compiled code only under the flags it was compiled with.
setFlagsFromString("--no-incremental-marking");
// The launcher wraps the bundle in the same words: V8 takes the cache only for the very same source.
const source = `(function (exports, require, module, __filename, __dirname) {${await readFile(bundle, "utf8")}\n})`;
const script = new Script(source, { filename: bundle });
script.runInThisContext();
await writeFile(`${bundle}.cache`, script.createCachedData());

// The compiler leaves what it made of sources that are gone, and a package would ship it.
for (const name of await readdir(join(root, "packages"))) {
  const dist = join(root, "packages", name, "dist");
  if (!existsSync(dist)) continue;
  for (const file of await readdir(dist, { recursive: true })) {
    const compiled = /^(?!bundle)(.*?)(\.d\.ts|\.js)(\.map)?$/.exec(file);
    const source = join(root, "packages", name, "src", `${compiled?.[1]}.ts`);
    if (compiled && (compiled[3] === ".map" || !existsSync(source))) await rm(join(dist, file), { force: true });
  }
}
