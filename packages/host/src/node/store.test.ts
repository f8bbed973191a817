import { mkdtemp } from "node:fs/promises";
import { storeContract } from "../contract/store-contract.ts";
import { temporaryDirectory } from "../contract/temporary-directory.ts";
import { NodeDisk } from "./disk/node-disk.ts";
import { levelStores } from "./store.ts";

const root = temporaryDirectory();
storeContract("LevelDB", async () => ({ stores: levelStores(new NodeDisk()), directory: await mkdtemp(`${root}/`) }));
