/** The streams of the gRPC doors, as gRPC names them. */
export const services = {
  produce: "ottla.v1.Client/Produce",
  fetch: "ottla.v1.Client/Fetch",
  call: "ottla.v1.Client/Call",
  session: "ottla.v1.Node/Session",
  metadata: "ottla.v1.Node/Metadata",
  raft: "ottla.v1.Raft/Messages",
} as const;
