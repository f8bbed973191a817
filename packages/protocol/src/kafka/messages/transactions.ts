import { defineApi } from "../api.ts";
import { array, bool, int16, int32, int64, int8, nullable, saturatingInt64, since, string, struct, until } from "../schema.ts";
import { committedResults, throttleTimeMs, topicPartitions } from "./shared.ts";

const producer = { transactionalId: string, producerId: int64, producerEpoch: int16 };
const topicResults = array(
  struct({ name: string, resultsByPartition: array(struct({ partitionIndex: int32, partitionErrorCode: int16 })) }),
);

/** 3: flexible. 4: several transactions at once, between brokers. */
export const addPartitionsToTxn = defineApi({
  key: 24,
  name: "AddPartitionsToTxn",
  versions: [0, 5],
  flexibleFrom: 3,
  request: struct({
    transactions: since(4, array(struct({ ...producer, verifyOnly: bool, topics: topicPartitions }))),
    transactionalId: until(3, string),
    producerId: until(3, int64),
    producerEpoch: until(3, int16),
    topics: until(3, topicPartitions),
  }),
  response: struct({
    throttleTimeMs,
    errorCode: since(4, int16),
    resultsByTransaction: since(4, array(struct({ transactionalId: string, topicResults }))),
    resultsByTopic: until(3, topicResults),
  }),
});

/** 3: flexible. 4: answers TRANSACTION_ABORTABLE. */
export const addOffsetsToTxn = defineApi({
  key: 25,
  name: "AddOffsetsToTxn",
  versions: [0, 4],
  flexibleFrom: 3,
  request: struct({ ...producer, groupId: string }),
  response: struct({ throttleTimeMs, errorCode: int16 }),
});

/** 3: flexible. 5: the next epoch in the answer (KIP-890). */
export const endTxn = defineApi({
  key: 26,
  name: "EndTxn",
  versions: [0, 5],
  flexibleFrom: 3,
  request: struct({ ...producer, committed: bool }),
  response: struct({
    throttleTimeMs,
    errorCode: int16,
    producerId: since(5, int64, -1),
    producerEpoch: since(5, int16, -1),
  }),
});

/** Between brokers, and for the tool that ends hanging transactions. 1: flexible. */
export const writeTxnMarkers = defineApi({
  key: 27,
  name: "WriteTxnMarkers",
  versions: [0, 2],
  flexibleFrom: 1,
  request: struct({
    markers: array(
      struct({
        producerId: int64,
        producerEpoch: int16,
        transactionResult: bool,
        topics: array(struct({ name: string, partitionIndexes: array(int32) })),
        coordinatorEpoch: int32,
        transactionVersion: since(2, int8),
      }),
    ),
  }),
  response: struct({
    markers: array(struct({ producerId: int64, topics: array(struct({ name: string, partitions: committedResults })) })),
  }),
});

/** 3: flexible, members of groups. 5: adds the group to the transaction (KIP-890). */
export const txnOffsetCommit = defineApi({
  key: 28,
  name: "TxnOffsetCommit",
  versions: [0, 5],
  flexibleFrom: 3,
  request: struct({
    transactionalId: string,
    groupId: string,
    producerId: int64,
    producerEpoch: int16,
    generationId: since(3, int32, -1),
    memberId: since(3, string),
    groupInstanceId: since(3, nullable(string)),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            partitionIndex: int32,
            committedOffset: int64,
            committedLeaderEpoch: since(2, int32, -1),
            committedMetadata: nullable(string),
          }),
        ),
      }),
    ),
  }),
  response: struct({ throttleTimeMs, topics: array(struct({ name: string, partitions: committedResults })) }),
});

/** KIP-664. */
export const describeTransactions = defineApi({
  key: 65,
  name: "DescribeTransactions",
  versions: [0, 0],
  flexibleFrom: 0,
  request: struct({ transactionalIds: array(string) }),
  response: struct({
    throttleTimeMs,
    transactionStates: array(
      struct({
        errorCode: int16,
        transactionalId: string,
        transactionState: string,
        transactionTimeoutMs: int32,
        transactionStartTimeMs: int64,
        producerId: int64,
        producerEpoch: int16,
        topics: array(struct({ topic: string, partitions: array(int32) })),
      }),
    ),
  }),
});

/** KIP-664. 1: by duration. 2: by a pattern of names. */
export const listTransactions = defineApi({
  key: 66,
  name: "ListTransactions",
  versions: [0, 2],
  flexibleFrom: 0,
  request: struct({
    stateFilters: array(string),
    producerIdFilters: array(int64),
    durationFilter: since(1, saturatingInt64, -1),
    transactionalIdPattern: since(2, nullable(string)),
  }),
  response: struct({
    throttleTimeMs,
    errorCode: int16,
    unknownStateFilters: array(string),
    transactionStates: array(struct({ transactionalId: string, producerId: int64, transactionState: string })),
  }),
});
