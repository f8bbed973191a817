/** Versions of the gRPC contract that this build speaks. */
export const PROTOCOL_VERSIONS = { min: 1, max: 1 } as const;
