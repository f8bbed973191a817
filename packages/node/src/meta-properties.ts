import { join } from "node:path";
import { type Disk, readWhole, replaceFile } from "@ottla/host";
import { crc32c } from "@ottla/protocol";

const names = ["meta.properties", "meta.properties.copy"] as const;
const formatVersion = 1;
const clusterIds = /^[A-Za-z0-9_-]+$/;
const crcLine = /^crc=([0-9a-f]{8})\n$/;

/** `meta.properties`: whose data directory this is. The log directory and the controller's directory each hold an id of their own. */
export interface MetaProperties {
  readonly nodeId: number;
  /** Absent until the first entry of the controller's log was committed. */
  readonly clusterId: string | null;
}

interface Found {
  readonly meta: MetaProperties;
  /** What is wrong with one of the copies, for people; writing it anew mends it. Null: nothing. */
  readonly damage: string | null;
}

type Copy =
  | { readonly state: "missing" }
  | { readonly state: "whole"; readonly meta: MetaProperties; readonly text: string }
  | { readonly state: "newer"; readonly version: number }
  | { readonly state: "damaged" };

/** The file and its copy: whatever happens to one of them, the other tells.
 * @returns null in a directory that was never used
 * @throws Error naming the file when both are damaged, or of a newer format */
export async function readMetaProperties(disk: Disk, directory: string): Promise<Found | null> {
  const paths = names.map((name) => join(directory, name));
  const copies = await Promise.all(paths.map(async (path) => ({ path, copy: parsed(await readText(disk, path)) })));
  for (const { copy } of copies)
    if (copy.state === "newer")
      throw new Error(
        `Cannot use data directory ${directory}: its format is version ${copy.version}, this Ottla reads up to ${formatVersion}; start it with a newer Ottla`,
      );
  // Written one after the other, so that the first of two that differ is the newer one.
  for (const { copy } of copies) {
    if (copy.state !== "whole") continue;
    const other = copies.find((each) => each.copy.state !== "whole" || each.copy.text !== copy.text);
    return { meta: copy.meta, damage: other ? `${other.path} is ${other.copy.state === "whole" ? "older" : other.copy.state}` : null };
  }
  if (copies.every(({ copy }) => copy.state === "missing")) return null;
  throw new Error(
    `Cannot read ${paths.join(" and ")}: both are damaged; write version=${formatVersion}, node.id and cluster.id of this node into the first, a line each, and remove the second`,
  );
}

/** Replaces both, one after the other, so that a power failure leaves the old or the new one of each. */
export async function writeMetaProperties(disk: Disk, directory: string, meta: MetaProperties): Promise<void> {
  const bytes = new TextEncoder().encode(textOf(meta));
  for (const name of names) await replaceFile(disk, directory, name, bytes);
}

function textOf({ nodeId, clusterId }: MetaProperties): string {
  const lines = [`version=${formatVersion}`, `node.id=${nodeId}`];
  if (clusterId !== null) lines.push(`cluster.id=${clusterId}`);
  const text = `${lines.join("\n")}\n`;
  return `${text}crc=${checksum(text)}\n`;
}

function checksum(text: string): string {
  return crc32c(new TextEncoder().encode(text)).toString(16).padStart(8, "0");
}

function parsed(text: string | null): Copy {
  if (text === null) return { state: "missing" };
  const end = text.lastIndexOf("crc=");
  const crc = end === -1 ? null : crcLine.exec(text.slice(end));
  if (crc && crc[1] !== checksum(text.slice(0, end))) return { state: "damaged" };
  const entries = new Map<string, string>();
  for (const line of text.split("\n")) {
    const equals = line.indexOf("=");
    if (equals > 0 && !line.startsWith("#")) entries.set(line.slice(0, equals).trim(), line.slice(equals + 1).trim());
  }
  const version = Number(entries.get("version"));
  if (version > formatVersion) return { state: "newer", version };
  const nodeId = Number(entries.get("node.id") || "none");
  const clusterId = entries.get("cluster.id") ?? null;
  const known = ["version", "node.id", "cluster.id", "crc"];
  const whole =
    version === formatVersion &&
    Number.isSafeInteger(nodeId) &&
    // Without its checksum it was written by hand, and counts if nothing in it is strange.
    (crc !== null || (!entries.has("crc") && [...entries.keys()].every((name) => known.includes(name)))) &&
    (clusterId === null || clusterIds.test(clusterId));
  return whole ? { state: "whole", meta: { nodeId, clusterId }, text: textOf({ nodeId, clusterId }) } : { state: "damaged" };
}

async function readText(disk: Disk, path: string): Promise<string | null> {
  const bytes = await readWhole(disk, path);
  return bytes === null ? null : new TextDecoder().decode(bytes);
}
