import { DiskError, type MemoryHost, type SeededRandom } from "@ottla/host";
import { DATA } from "../machine/machine.ts";

interface Found {
  readonly files: { readonly path: string; readonly size: number }[];
  readonly stores: string[];
}

/** A few bits in one or two files or stores that hold something. */
export async function flipSome({ disk, stores }: MemoryHost, random: SeededRandom): Promise<void> {
  if (!(await disk.exists(DATA))) return;
  const found: Found = { files: [], stores: [] };
  await collect(disk, DATA, found);
  for (let count = 1 + random.below(2); count > 0; count -= 1) {
    const store = found.stores[random.below(Math.max(1, found.stores.length))];
    if (store !== undefined && random.below(4) === 0) {
      const sizes = stores.sizes(store);
      const index = random.below(Math.max(1, sizes.length));
      const size = sizes[index] ?? 0;
      if (size > 0) stores.flipBit(store, index, random.below(size));
      continue;
    }
    const chosen = found.files[random.below(Math.max(1, found.files.length))];
    if (chosen !== undefined) disk.flipBit(chosen.path, random.below(chosen.size), random.below(8));
  }
}

async function collect(disk: MemoryHost["disk"], directory: string, found: Found): Promise<void> {
  for (const name of await disk.list(directory)) {
    const path = `${directory}/${name}`;
    try {
      const file = await disk.open(path, "read");
      const size = await file.size();
      await file.close();
      if (name === "CURRENT") found.stores.push(directory);
      else if (size > 0) found.files.push({ path, size });
    } catch (error) {
      if (!(error instanceof DiskError && error.code === "EISDIR")) throw error;
      await collect(disk, path, found);
    }
  }
}
