import { defineApi } from "../api.ts";
import type { Infer, Input } from "../infer.ts";
import { array, int16, int32, nullable, nullableSince, since, string, struct, until, uuid, withDefault } from "../schema.ts";

/** 4: flexible. 5: texts of errors. 6: by topic id. */
const request = struct({
  topics: since(6, array(struct({ name: withDefault(nullable(string), null), topicId: uuid }))),
  topicNames: until(5, array(string)),
  timeoutMs: int32,
});

const response = struct({
  throttleTimeMs: since(1, int32),
  responses: array(
    struct({ name: nullableSince(6, string), topicId: since(6, uuid), errorCode: int16, errorMessage: since(5, nullable(string)) }),
  ),
});

export const deleteTopics = defineApi({ key: 20, name: "DeleteTopics", versions: [0, 6], flexibleFrom: 4, request, response });
export type DeleteTopicsRequest = Infer<typeof request>;
export type DeleteTopicsResponse = Input<typeof response>;
