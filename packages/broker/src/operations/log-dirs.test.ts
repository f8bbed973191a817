import { DiskError } from "@ottla/host";
import { errors } from "@ottla/protocol";
import { expect, test } from "vitest";
import { startBroker } from "../broker.test.kit.ts";

test("a disk that cannot be asked for its space is an error that names path and fault, and the next question is answered", async () => {
  const rig = await startBroker();
  const client = rig.client();
  rig.host.disk.fault = (operation, path) => (operation === "space" ? new DiskError("space", path, "EIO") : undefined);
  const failed = await client.call("describeLogDirs", { partitions: [] });
  expect(failed).toMatchObject({ errorCode: errors.KAFKA_STORAGE_ERROR.code, answer: { case: undefined } });
  expect(failed.errorMessage).toMatch(/^The broker could not use its disk: .*\/data\/log.*EIO/);
  rig.host.disk.fault = null;
  const answered = await client.call("describeLogDirs", { partitions: [] });
  expect(answered).toMatchObject({ errorCode: 0, answer: { case: "describeLogDirs", value: { directory: "/data/log", partitions: [] } } });
  expect(rig.fatal).toEqual([]);
});
