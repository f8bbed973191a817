// npm run test:compat -- [--against HOST:PORT[,…] [--pids NODE=PID,…]] [-t NAME] | --document
// Every client of the matrix against Ottla, or against the cluster named; one cell by its name in docs/compatibility.md, which --document writes.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { document } from "./document.ts";
import { install } from "./rig/install.ts";

const { values } = parseArgs({
  options: {
    against: { type: "string" },
    pids: { type: "string" },
    "test-name": { type: "string", short: "t" },
    document: { type: "boolean", default: false },
  },
});
if (values.document) writeFileSync(new URL("../../docs/compatibility.md", import.meta.url), document());
else process.exitCode = run();

function run(): number {
  install((line) => console.log(line));
  const pattern = values["test-name"] === undefined ? [] : ["-t", values["test-name"].replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")];
  const { status } = spawnSync("npx", ["vitest", "run", "--config", "test/compat/vitest.config.ts", ...pattern], {
    stdio: "inherit",
    env: {
      ...process.env,
      ...(values.against === undefined ? {} : { COMPAT_AGAINST: values.against }),
      ...(values.pids === undefined ? {} : { COMPAT_PIDS: values.pids }),
    },
  });
  return status ?? 1;
}
