import { codecsContract } from "../../contract/codecs-contract.ts";
import { nodeCodecs } from "./node-codecs.ts";

codecsContract("thread pool", nodeCodecs());
