import { codecsContract } from "../contract/codecs-contract.ts";
import { memoryCodecs } from "./memory-codecs.ts";

codecsContract("synchronous", memoryCodecs);
