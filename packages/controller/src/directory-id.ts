import { join } from "node:path";
import { type Host, readWhole, replaceFile } from "@ottla/host";
import { DamagedControllerError } from "./quorum/index.ts";
import { uuidFromBytes, uuidFromText, uuidToText, type Uuid } from "@ottla/protocol";

/** The identity of the controller's directory: a voter that comes back with another one has forgotten its votes. Made at the first start.
 * @throws Error naming the file when it is damaged */
export async function directoryIdOf(host: Host, directory: string): Promise<Uuid> {
  const { disk } = host;
  const path = join(directory, "directory-id");
  await disk.makeDirectory(directory);
  const found = await readWhole(disk, path);
  if (found !== null) {
    try {
      return uuidFromText(new TextDecoder().decode(found).trim());
    } catch (error) {
      throw new DamagedControllerError(`Cannot read ${path}: it is damaged; it holds one id of 22 characters`, { cause: error });
    }
  }
  const id = uuidFromBytes(host.random.uuid());
  await replaceFile(disk, directory, "directory-id", new TextEncoder().encode(`${uuidToText(id)}\n`));
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
