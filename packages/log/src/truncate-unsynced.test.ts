import { expect, test } from "vitest";
import { batchOf, contentOf, Rig } from "./rig.test.kit.ts";

const size = 70;
const os = { flush: { kind: "os" } } as const;

// A segment holds two batches here, so that the cut falls behind segments that nobody has synced.
test.each([
  ["one file", 1 << 20],
  ["several files", 2 * size],
])("what a cut leaves of a log that was never synced is no damage after a power failure (%s)", async (_, segmentBytes) => {
  for (const keep of ["none", "random", "all"] as const) {
    for (let cut = 0; cut <= 7; cut++) {
      const rig = new Rig(cut + 1);
      const log = await rig.openLog(await rig.open(), "t-0", { ...os, segmentBytes });
      for (let at = 0; at < 8; at++) {
        log.append(batchOf(`v${at}`), 0);
        await rig.run(log.written(at + 1));
      }
      expect(log.durableOffset).toBeLessThan(8);
      await rig.run(log.truncateTo(cut));
      const promised = log.durableOffset;
      const content = await contentOf(rig, log);
      log.append(batchOf("w"), 1);
      await rig.run(log.written(cut + 1));
      rig.restart(keep);
      const found = await rig.openLog(await rig.open(), "t-0", { ...os, segmentBytes });
      expect([found.damaged, found.recovery.damaged], `${keep} kept, cut at ${cut}`).toEqual([[], false]);
      expect(found.endOffset).toBeGreaterThanOrEqual(promised);
      expect((await contentOf(rig, found)).slice(0, promised)).toEqual(content.slice(0, promised));
    }
  }
});
