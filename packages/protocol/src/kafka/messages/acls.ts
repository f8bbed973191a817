import { defineApi } from "../api.ts";
import { array, int16, int8, nullable, since, string, struct } from "../schema.ts";
import { throttleTimeMs } from "./shared.ts";

/** Resource pattern LITERAL, the only one that version 0 knows. */
const LITERAL = 3;

const filter = {
  resourceTypeFilter: int8,
  resourceNameFilter: nullable(string),
  patternTypeFilter: since(1, int8, LITERAL),
  principalFilter: nullable(string),
  hostFilter: nullable(string),
  operation: int8,
  permissionType: int8,
};

const resource = { resourceType: int8, resourceName: string, patternType: since(1, int8, LITERAL) };
const entry = { principal: string, host: string, operation: int8, permissionType: int8 };
const outcome = { errorCode: int16, errorMessage: nullable(string) };

/** 1: patterns of names. 2: flexible. 3: users as resources. */
export const describeAcls = defineApi({
  key: 29,
  name: "DescribeAcls",
  versions: [0, 3],
  flexibleFrom: 2,
  request: struct(filter),
  response: struct({ throttleTimeMs, ...outcome, resources: array(struct({ ...resource, acls: array(struct(entry)) })) }),
});

export const createAcls = defineApi({
  key: 30,
  name: "CreateAcls",
  versions: [0, 3],
  flexibleFrom: 2,
  request: struct({
    creations: array(struct({ resourceType: int8, resourceName: string, resourcePatternType: since(1, int8, LITERAL), ...entry })),
  }),
  response: struct({ throttleTimeMs, results: array(struct(outcome)) }),
});

export const deleteAcls = defineApi({
  key: 31,
  name: "DeleteAcls",
  versions: [0, 3],
  flexibleFrom: 2,
  request: struct({ filters: array(struct(filter)) }),
  response: struct({
    throttleTimeMs,
    filterResults: array(struct({ ...outcome, matchingAcls: array(struct({ ...outcome, ...resource, ...entry })) })),
  }),
});
