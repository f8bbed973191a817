import { describe, expect, test } from "vitest";
import { CodecUnavailableError, type CodecName, type Codecs } from "../codecs.ts";

const names: CodecName[] = ["gzip", "snappy", "lz4", "zstd"];

/** What compression owes its users. */
export function codecsContract(name: string, codecs: Codecs): void {
  const available = async (codec: CodecName): Promise<boolean> =>
    codecs.compress(codec, new Uint8Array(1)).then(
      () => true,
      (error: unknown) => {
        expect(error).toBeInstanceOf(CodecUnavailableError);
        return false;
      },
    );

  const absent = "this Node and its packages have no such codec";

  describe.each(names)(`%s (${name})`, (codec) => {
    test("gives back what it compressed", async ({ skip }) => {
      if (!(await available(codec))) return skip(absent);
      for (const data of [new Uint8Array(0), new Uint8Array([1]), text("hello ".repeat(1000)), noise(300_000)]) {
        const compressed = await codecs.compress(codec, data);
        const expanded = await codecs.decompress(codec, compressed, data.byteLength);
        expect(Buffer.from(expanded).equals(data)).toBe(true);
      }
    });

    test("refuses data that expands beyond the limit, without expanding it", async ({ skip }) => {
      if (!(await available(codec))) return skip(absent);
      const bomb = await codecs.compress(codec, new Uint8Array(64 << 20));
      const before = process.memoryUsage().rss;
      await expect(codecs.decompress(codec, bomb, 1 << 20)).rejects.toThrow(/1048576 are allowed/);
      expect(process.memoryUsage().rss - before).toBeLessThan(32 << 20);
      await expect(codecs.decompress(codec, await codecs.compress(codec, new Uint8Array(1001)), 1000)).rejects.toThrow("1000 are allowed");
    });

    test("says that damaged data is damaged", async ({ skip }) => {
      if (!(await available(codec))) return skip(absent);
      const compressed = await codecs.compress(codec, text("hello ".repeat(100)));
      for (const data of [
        new Uint8Array(0),
        new Uint8Array([255, 255, 255, 255, 255, 255]),
        compressed.slice(0, compressed.byteLength - 3),
        noise(100),
      ]) {
        // No frame at all is a valid sequence of frames.
        if (data.byteLength === 0 && (codec === "lz4" || codec === "zstd")) continue;
        await expect(codecs.decompress(codec, data, 1 << 20)).rejects.toThrow(`Cannot decompress ${codec} data`);
      }
    });
  });
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** Incompressible, and the same every time. */
function noise(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = 12345;
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}
