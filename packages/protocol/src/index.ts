export { errors, type ErrorName, type ErrorRow } from "./error-table.ts";
export { errorName, ProtocolError, type ProtocolErrorOptions } from "./errors.ts";
export * as pb from "./grpc/generated/index.ts";
export { UUID_BYTES, uuidFromBytes, uuidFromText, uuidToBytes, uuidToText, type Uuid } from "./ids.ts";
export { services } from "./services.ts";
