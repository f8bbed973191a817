import { dirname, join } from "node:path";
import { DiskError, type Disk } from "@ottla/host";

const formatVersion = 1;

/** `meta.properties`: whose data directory this is. The log directory and the controller's directory each hold an id of their own. */
export interface MetaProperties {
  readonly nodeId: number;
  /** Absent until the first entry of the controller's log was committed. */
  readonly clusterId: string | null;
}

/** @returns null in a directory that was never used
 * @throws Error naming the file when it is damaged or of a newer format */
export async function readMetaProperties(disk: Disk, directory: string): Promise<MetaProperties | null> {
  const path = join(directory, "meta.properties");
  const text = await readText(disk, path);
  if (text === null) return null;
  const entries = new Map<string, string>();
  for (const line of text.split("\n")) {
    const equals = line.indexOf("=");
    if (equals > 0 && !line.startsWith("#")) entries.set(line.slice(0, equals).trim(), line.slice(equals + 1).trim());
  }
  const version = Number(entries.get("version"));
  if (version > formatVersion)
    throw new Error(
      `Cannot use data directory ${directory}: its format is version ${version}, this Ottla reads up to ${formatVersion}; start it with a newer Ottla`,
    );
  const nodeId = Number(entries.get("node.id"));
  if (version !== formatVersion || !entries.has("node.id") || !Number.isSafeInteger(nodeId))
    throw new Error(`Cannot read ${path}: it is damaged; restore it with version=${formatVersion}, node.id and cluster.id of this node`);
  return { nodeId, clusterId: entries.get("cluster.id") ?? null };
}

/** Replaces the file so that a power failure leaves the old or the new one. */
export async function writeMetaProperties(disk: Disk, directory: string, meta: MetaProperties): Promise<void> {
  const path = join(directory, "meta.properties");
  const lines = [`version=${formatVersion}`, `node.id=${meta.nodeId}`];
  if (meta.clusterId !== null) lines.push(`cluster.id=${meta.clusterId}`);
  const file = await disk.open(`${path}.tmp`, "create");
  try {
    await file.truncate(0);
    await file.write([new TextEncoder().encode(`${lines.join("\n")}\n`)], 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(`${path}.tmp`, path);
  await disk.syncDirectory(dirname(path));
}

async function readText(disk: Disk, path: string): Promise<string | null> {
  try {
    const file = await disk.open(path, "read");
    try {
      const bytes = new Uint8Array(await file.size());
      const length = await file.read(bytes, 0);
      return new TextDecoder().decode(bytes.subarray(0, length));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof DiskError && error.code === "ENOENT") return null;
    throw error;
  }
}
