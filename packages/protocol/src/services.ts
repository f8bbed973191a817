/** The streams of the gRPC doors, as gRPC names them: the first three on the door for clients, the others on the door between nodes. */
export const services = {
  produce: "ottla.v1.Client/Produce",
  fetch: "ottla.v1.Client/Fetch",
  call: "ottla.v1.Client/Call",
  session: "ottla.v1.Node/Session",
  metadata: "ottla.v1.Node/Metadata",
  raft: "ottla.v1.Raft/Messages",
  replication: "ottla.v1.Replication/Follow",
} as const;
