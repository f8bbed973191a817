// `npm install ottla` brings the command, and this: the client and the node, for programs.
export * from "@ottla/client";
export { Node, type NodeOptions, type Settings } from "@ottla/node";
