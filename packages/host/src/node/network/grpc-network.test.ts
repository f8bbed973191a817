import { networkContract } from "../../contract/network-contract.ts";
import { GrpcNetwork } from "./grpc-network.ts";

networkContract("gRPC over loopback", () => ({ dialling: new GrpcNetwork(), listening: new GrpcNetwork(), host: "127.0.0.1" }));
