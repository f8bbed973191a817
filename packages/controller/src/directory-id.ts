import { join } from "node:path";
import { DiskError, type Host } from "@ottla/host";
import { DamagedControllerError } from "./quorum/index.ts";
import { uuidFromBytes, uuidFromText, uuidToText, type Uuid } from "@ottla/protocol";

/** The identity of the controller's directory: a voter that comes back with another one has forgotten its votes. Made at the first start.
 * @throws Error naming the file when it is damaged */
export async function directoryIdOf(host: Host, directory: string): Promise<Uuid> {
  const { disk } = host;
  const path = join(directory, "directory-id");
  await disk.makeDirectory(directory);
  const found = await read(host, path);
  if (found !== null) {
    try {
      return uuidFromText(found.trim());
    } catch (error) {
      throw new DamagedControllerError(`Cannot read ${path}: it is damaged; it holds one id of 22 characters`, { cause: error });
    }
  }
  const id = uuidFromBytes(host.random.uuid());
  const temporary = `${path}.tmp`;
  const file = await disk.open(temporary, "create");
  try {
    await file.truncate(0);
    await file.write([new TextEncoder().encode(`${uuidToText(id)}\n`)], 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(temporary, path);
  await disk.syncDirectory(directory);
  await disk.syncDirectory(join(directory, ".."));
  return id;
}

const STORES = ["checkpoint-a", "checkpoint-b", "checkpoint-received", "checkpoint-a.new", "checkpoint-b.new"];

/** Moves what a controller's directory holds to another beside it, which is named by the moment, and leaves an empty one.
 * @returns where it went */
export async function setAside({ disk, stores, clock }: Host, directory: string): Promise<string> {
  const aside = `${directory}.damaged-${clock.wallMs()}`;
  await disk.makeDirectory(aside);
  for (const name of STORES) {
    if (await stores.exists(join(directory, name))) await stores.rename(join(directory, name), join(aside, name));
  }
  for (const name of await disk.list(directory)) await disk.rename(join(directory, name), join(aside, name));
  for (const path of [aside, directory, join(directory, "..")]) await disk.syncDirectory(path);
  return aside;
}

async function read({ disk }: Host, path: string): Promise<string | null> {
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
