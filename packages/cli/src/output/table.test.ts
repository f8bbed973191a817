import { expect, test } from "vitest";
import { table } from "./table.ts";

test("columns are as wide as their widest cell and numbers stand to the right", () => {
  const text = table(
    [{ title: "TOPIC" }, { title: "RECORDS", align: "right" }],
    [
      ["orders", 12],
      ["a-long-topic-name", null],
    ],
  );
  expect(text).toBe("TOPIC              RECORDS\norders                  12\na-long-topic-name        -\n");
});
