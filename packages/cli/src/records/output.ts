import type { ConsumerRecord } from "@ottla/client";

export type RecordFormat = (record: ConsumerRecord) => string;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** `value`: the value and a line break. `json`: one JSON object a line. Anything else is a pattern: %t topic, %p partition, %o offset, %T timestamp,
 * %k key, %v value, %h headers, %% a percent sign, \n and \t as in C. */
export function recordFormat(format: string): RecordFormat {
  if (format === "value") return ({ value }) => `${text(value)}\n`;
  if (format === "json") return (record) => `${JSON.stringify(asJson(record))}\n`;
  const pattern = format.replaceAll("\\n", "\n").replaceAll("\\t", "\t");
  return (record) => pattern.replace(/%[tpoTkvh%]/g, (placeholder) => fill(placeholder, record));
}

function fill(placeholder: string, { topic, partition, offset, timestamp, key, value, headers }: ConsumerRecord): string {
  switch (placeholder) {
    case "%t":
      return topic;
    case "%p":
      return String(partition);
    case "%o":
      return String(offset);
    case "%T":
      return String(timestamp);
    case "%k":
      return text(key);
    case "%v":
      return text(value);
    case "%h":
      return headers.map((header) => `${header.key}=${text(header.value)}`).join(",");
    default:
      return "%";
  }
}

function asJson({ topic, partition, offset, timestamp, key, value, headers }: ConsumerRecord): object {
  return {
    topic,
    partition,
    offset,
    timestamp,
    key: content(key),
    value: content(value),
    ...(headers.length > 0 ? { headers: headers.map((header) => [header.key, content(header.value)]) } : {}),
  };
}

/** UTF-8 as text, other bytes as `{ "base64": … }`: `ottla produce --format json` takes both back. */
function content(bytes: Uint8Array | null): string | { base64: string } | null {
  if (bytes === null) return null;
  try {
    return decoder.decode(bytes);
  } catch {
    return { base64: asBuffer(bytes).toString("base64") };
  }
}

/** For people: bytes that are no UTF-8 show as replacement characters. */
function text(bytes: Uint8Array | null): string {
  return bytes === null ? "" : asBuffer(bytes).toString("utf8");
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
