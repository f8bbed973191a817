import type { Codecs } from "../../codecs.ts";
export function nodeCodecs(): Codecs { return { compress: () => Promise.reject(new Error("not ready")), decompress: () => Promise.reject(new Error("not ready")) }; }
