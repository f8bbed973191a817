import type { kafka } from "@ottla/protocol";

/** Longer ones say nothing that shorter ones do not. */
const LONGEST = 1200;

interface Frame {
  readonly apiName: string;
  readonly version: number;
  readonly kind: "request" | "response";
  readonly bytes: Uint8Array;
}

/** Of each message in each version the longest frame within bounds: it has most in it. */
export class Frames {
  readonly #kept = new Map<string, Frame>();

  get count(): number {
    return this.#kept.size;
  }

  get requests(): readonly Frame[] {
    return [...this.#kept.values()].filter(({ kind }) => kind === "request");
  }

  add(api: kafka.Api, version: number, kind: Frame["kind"], bytes: Uint8Array): void {
    const key = `${api.name} ${version} ${kind}`;
    const kept = this.#kept.get(key);
    const better =
      kept === undefined || (kept.bytes.length > LONGEST ? bytes.length < kept.bytes.length : bytes.length > kept.bytes.length);
    if (better && (kept === undefined || bytes.length <= LONGEST)) this.#kept.set(key, { apiName: api.name, version, kind, bytes });
  }

  text(title: string): string {
    const lines = [...this.#kept.values()]
      .sort((a, b) => (a.apiName === b.apiName ? a.version - b.version : a.apiName < b.apiName ? -1 : 1))
      .map(({ apiName, version, kind, bytes }) => `${apiName} ${version} ${kind} ${Buffer.from(bytes).toString("base64")}`);
    return `# ${title}\n${lines.join("\n")}\n`;
  }
}
