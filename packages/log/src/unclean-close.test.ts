import { DiskError } from "@ottla/host";
import { expect, test } from "vitest";
import { batchOf, contentOf, Rig } from "./rig.test.kit.ts";

test.each(["index", "timeindex"])("nothing is lost by a stop whose %s file could not be written", async (suffix) => {
  const rig = new Rig();
  const directory = await rig.open();
  const log = await rig.openLog(directory);
  log.append(batchOf("told"), 0);
  await rig.run(log.durable(1));
  const before = await contentOf(rig, log);
  rig.disk.fault = (operation, path) =>
    operation === "write" && path.endsWith(`.${suffix}`) ? new DiskError(operation, path, "EIO") : undefined;
  await rig.run(directory.close({ brokerEpoch: 7 }));
  rig.disk.fault = null;

  const again = await rig.openLog(await rig.open());
  expect(again.endOffset).toBe(1);
  expect(await contentOf(rig, again)).toEqual(before);
});
