import { defineApi } from "../api.ts";
import { array, bytes, int16, int64, nullable, since, string, struct } from "../schema.ts";
import { throttleTimeMs } from "./shared.ts";

const principal = { principalType: string, principalName: string };
const requester = { tokenRequesterPrincipalType: since(3, string), tokenRequesterPrincipalName: since(3, string) };

/** 2: flexible. 3: for another owner. */
export const createDelegationToken = defineApi({
  key: 38,
  name: "CreateDelegationToken",
  versions: [0, 3],
  flexibleFrom: 2,
  request: struct({
    ownerPrincipalType: since(3, nullable(string)),
    ownerPrincipalName: since(3, nullable(string)),
    renewers: array(struct(principal)),
    maxLifetimeMs: int64,
  }),
  response: struct({
    errorCode: int16,
    ...principal,
    ...requester,
    issueTimestampMs: int64,
    expiryTimestampMs: int64,
    maxTimestampMs: int64,
    tokenId: string,
    hmac: bytes,
    throttleTimeMs,
  }),
});

/** 2: flexible. */
export const renewDelegationToken = defineApi({
  key: 39,
  name: "RenewDelegationToken",
  versions: [0, 2],
  flexibleFrom: 2,
  request: struct({ hmac: bytes, renewPeriodMs: int64 }),
  response: struct({ errorCode: int16, expiryTimestampMs: int64, throttleTimeMs }),
});

/** 2: flexible. */
export const expireDelegationToken = defineApi({
  key: 40,
  name: "ExpireDelegationToken",
  versions: [0, 2],
  flexibleFrom: 2,
  request: struct({ hmac: bytes, expiryTimePeriodMs: int64 }),
  response: struct({ errorCode: int16, expiryTimestampMs: int64, throttleTimeMs }),
});

/** 2: flexible. 3: who asked for the token. */
export const describeDelegationToken = defineApi({
  key: 41,
  name: "DescribeDelegationToken",
  versions: [0, 3],
  flexibleFrom: 2,
  request: struct({ owners: nullable(array(struct(principal))) }),
  response: struct({
    errorCode: int16,
    tokens: array(
      struct({
        ...principal,
        ...requester,
        issueTimestamp: int64,
        expiryTimestamp: int64,
        maxTimestamp: int64,
        tokenId: string,
        hmac: bytes,
        renewers: array(struct(principal)),
      }),
    ),
    throttleTimeMs,
  }),
});
