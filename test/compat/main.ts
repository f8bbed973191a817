// npm run test:compat -- [--against HOST:PORT[,…] [--pids NODE=PID,…]] [-t NAME]
// Every client of the matrix against Ottla, or against the cluster named; one cell by its name in docs/compatibility.md.
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { install } from "./rig/install.ts";

const { values } = parseArgs({
  options: { against: { type: "string" }, pids: { type: "string" }, "test-name": { type: "string", short: "t" } },
});
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
process.exitCode = status ?? 1;
