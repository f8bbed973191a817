import { expect, test } from "vitest";
import { settingFlags } from "./setting-flags.ts";

test("dashes and dots, a space and an equals sign all name the same setting", () => {
  expect(settingFlags(["--data-dir", "./d", "--log.segment.bytes=1024", "--auto-create-topics-enable", "--node-id=-1"])).toEqual({
    "data.dir": "./d",
    "log.segment.bytes": "1024",
    "auto.create.topics.enable": "true",
    "node.id": "-1",
  });
});

test("a negative value after a space is a value, not a flag", () => {
  expect(settingFlags(["--log-retention-ms", "-1"])).toEqual({ "log.retention.ms": "-1" });
});

test("a word that is no flag and a flag given twice are refused by name", () => {
  expect(() => settingFlags(["data"])).toThrow('"data" is no setting');
  expect(() => settingFlags(["--node-id", "1", "--node.id", "2"])).toThrow('--node.id is given twice, with "1" and "2"');
});
