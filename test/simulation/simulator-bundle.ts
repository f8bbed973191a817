import { rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { sabotages, type SabotageName } from "./sabotages.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Packages with native parts, which cannot be bundled. */
const external = ["classic-level", "level", "@node-rs/crc32", "snappy", "lz4-napi", "@mongodb-js/zstd", "@grpc/grpc-js"];

/** Makes one file of the simulator and all it runs: it starts at once in every worker, and a guard can be taken out of it on the way. The
 * file is this process's own and goes with it: workers that start later must run the same as the first ones, whatever has changed since.
 * @returns its path */
export async function bundleSimulator(sabotage: SabotageName | null): Promise<string> {
  const outfile = join(root, "node_modules/.cache/ottla-simulator", `${sabotage ?? "intact"}-${process.pid}.cjs`);
  process.once("exit", () => rmSync(outfile, { force: true }));
  await build({
    entryPoints: [join(root, "test/simulation/simulator-worker.ts")],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    conditions: ["ottla-source"],
    external,
    supported: { "dynamic-import": false },
    define: { "import.meta.url": "importMetaUrl" },
    banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
    sourcemap: "inline",
    plugins: sabotage === null ? [] : [edited(sabotage)],
    logLevel: "warning",
  });
  return outfile;
}

function edited(name: SabotageName): Plugin {
  return {
    name: "sabotage",
    setup({ onLoad, onEnd }) {
      let found = 0;
      for (const { file, intact, broken } of sabotages[name])
        onLoad({ filter: new RegExp(`/${file.replaceAll(/[.]/g, "\\.")}$`) }, async ({ path }) => {
          const source = await readFile(path, "utf8");
          if (source.split(intact).length !== 2)
            return {
              errors: [{ text: `Sabotage ${name}: "${intact}" stands in ${file} ${source.split(intact).length - 1} times, not once` }],
            };
          found += 1;
          return { contents: source.replace(intact, () => broken), loader: "ts" };
        });
      onEnd(() =>
        found === sabotages[name].length
          ? null
          : { errors: [{ text: `Sabotage ${name}: ${found} of its files are part of the simulator` }] },
      );
    },
  };
}
