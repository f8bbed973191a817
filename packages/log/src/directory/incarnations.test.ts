import { type Uuid, uuidFromBytes } from "@ottla/protocol";
import { expect, test } from "vitest";
import { fileHeader, NewerFormatError } from "../format/file-header.ts";
import { Rig } from "../rig.test.kit.ts";

const path = "/data/log/incarnations.list";
const start = (at: number): Uuid => uuidFromBytes(new Uint8Array(16).fill(at));

/** The n-th start, after a power failure. */
async function begin(rig: Rig, at: number, registered = false): Promise<readonly Uuid[]> {
  const directory = await rig.open();
  const former = await rig.run(directory.beginIncarnation(start(at)));
  if (registered) directory.incarnationRegistered();
  return former;
}

test("each start that began is remembered, whether or not anybody heard of it, and survives a power failure", async () => {
  const rig = new Rig();
  for (let at = 0; at < 5; at++) {
    expect(await begin(rig, at, at === 2)).toEqual(Array.from({ length: at }, (_, earlier) => start(earlier)));
    rig.restart("none");
  }
});

test("the power fails at any operation of a start: either it is remembered or nobody heard of it, and those before are", async () => {
  for (let n = 1; n < 60; n++) {
    const rig = new Rig(n);
    await begin(rig, 1);
    rig.restart("none");
    rig.disk.keepAtFault = "random";
    rig.disk.fault = (_operation, _path, at) => (at === n ? "crash" : undefined);
    const begun = await begin(rig, 2).then(
      () => true,
      () => false,
    );
    rig.restart("random");
    const found = await begin(rig, 3);
    expect(found[0], `operation ${n}`).toBe(start(1));
    if (begun) expect(found, `operation ${n}`).toEqual([start(1), start(2)]);
  }
});

test("an old copy does not remember what began after it was made", async () => {
  const rig = new Rig();
  await begin(rig, 1, true);
  const copy = rig.disk.photograph();
  rig.restart("none");
  await begin(rig, 2, true);
  rig.restart("none");
  rig.disk.putBack(copy);
  expect(await begin(rig, 3)).toEqual([start(1)]);
});

test("the list stays short once starts are registered; a damaged one is begun anew, one of a newer version refused", async () => {
  const rig = new Rig();
  for (let at = 0; at < 80; at++) {
    const directory = await rig.open();
    const former = await rig.run(directory.beginIncarnation(start(at)));
    directory.incarnationRegistered();
    await rig.run(directory.close());
    expect(former.length).toBeLessThan(64);
    if (at > 0) expect(former.at(-1)).toBe(start(at - 1));
  }
  rig.disk.flipBit(path, 20);
  const directory = await rig.open();
  expect(await rig.run(directory.beginIncarnation(start(200)))).toEqual([]);
  await rig.run(directory.close());
  const file = await rig.disk.open(path, "write");
  await file.write([fileHeader({ magic: "OTTLAINC", version: 2 })], 0);
  await expect(begin(rig, 201)).rejects.toThrow(new NewerFormatError(path, 2, 1).message);
});
