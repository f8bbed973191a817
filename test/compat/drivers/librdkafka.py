"""Drives librdkafka through confluent-kafka: a JSON object per line in, one per line out (rig/driver.ts)."""

import json
import sys

from confluent_kafka import Consumer, ElectionType, KafkaError, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

PATIENCE_S = 40


def encoded(text):
    return None if text is None else text.encode()


def decoded(data):
    return None if data is None else data.decode()


class Session:
    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.admin = AdminClient({"bootstrap.servers": bootstrap})
        self.producer = None

    def producing(self, topic, partition, codec, idempotent):
        self.place = (topic, partition)
        self.failed = []
        self.producer = Producer(
            {
                "bootstrap.servers": self.bootstrap,
                "compression.type": codec,
                "enable.idempotence": idempotent,
                "acks": "all",
                "linger.ms": 50,
                "message.timeout.ms": PATIENCE_S * 1000,
            }
        )

    def delivered(self, error, _message):
        if error is not None:
            self.failed.append(str(error))

    def record(self, key, value, headers, timestampMs=None):
        topic, partition = self.place
        more = {} if timestampMs is None else {"timestamp": timestampMs}
        self.producer.produce(
            topic,
            partition=partition,
            key=encoded(key),
            value=encoded(value),
            headers=[(name, encoded(text)) for name, text in headers],
            on_delivery=self.delivered,
            **more,
        )
        self.producer.poll(0)

    def flush(self):
        left = self.producer.flush(PATIENCE_S)
        if left > 0 or self.failed:
            raise RuntimeError(f"{left} records without an answer, {len(self.failed)} failed: {self.failed[:3]}")

    def read(self, topic, partition, count, offset=None, timeMs=None):
        consumer = Consumer(
            {"bootstrap.servers": self.bootstrap, "group.id": "never-joined", "enable.auto.commit": False, "check.crcs": True}
        )
        try:
            if timeMs is not None:
                offset = consumer.offsets_for_times([TopicPartition(topic, partition, timeMs)], PATIENCE_S)[0].offset
            consumer.assign([TopicPartition(topic, partition, offset)])
            found = []
            while len(found) < count:
                messages = consumer.consume(count - len(found), PATIENCE_S)
                if not messages:
                    raise RuntimeError(f"{len(found)} of {count} records, then none for {PATIENCE_S} s")
                for message in messages:
                    if message.error():
                        if message.error().retriable() or message.error().code() in (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN):
                            continue
                        raise RuntimeError(str(message.error()))
                    found.append(
                        {
                            "offset": message.offset(),
                            "key": decoded(message.key()),
                            "value": decoded(message.value()),
                            "headers": [[name, decoded(data)] for name, data in message.headers() or []],
                            "timestampMs": message.timestamp()[1],
                        }
                    )
            return found
        finally:
            consumer.close()

    def createTopic(self, topic, partitions, configs):
        wanted = NewTopic(topic, num_partitions=partitions, replication_factor=-1, config=configs)
        self.admin.create_topics([wanted])[topic].result(PATIENCE_S)

    def listTopics(self):
        return list(self.admin.list_topics(timeout=PATIENCE_S).topics)

    def describeTopic(self, topic):
        found = self.admin.describe_topics(TopicCollection([topic]))[topic].result(PATIENCE_S)
        return {
            "partitions": [
                {"leader": one.leader.id, "replicas": [node.id for node in one.replicas], "inSync": [node.id for node in one.isr]}
                for one in found.partitions
            ]
        }

    def deleteTopic(self, topic):
        self.admin.delete_topics([topic])[topic].result(PATIENCE_S)

    def addPartitions(self, topic, total):
        self.admin.create_partitions([NewPartitions(topic, total)])[topic].result(PATIENCE_S)

    def configs(self, kind, name):
        resource = ConfigResource(ResourceType[kind], name)
        entries = self.admin.describe_configs([resource])[resource].result(PATIENCE_S)
        return {entry.name: entry.value for entry in entries.values()}

    def setTopicConfig(self, topic, name, value):
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        self.admin.incremental_alter_configs([resource])[resource].result(PATIENCE_S)

    def offsetAt(self, topic, partition, at):
        if isinstance(at, dict):
            spec = OffsetSpec.for_timestamp(at["timeMs"])
        else:
            spec = {"earliest": OffsetSpec.earliest, "latest": OffsetSpec.latest, "max-timestamp": OffsetSpec.max_timestamp}[at]()
        place = TopicPartition(topic, partition)
        return self.admin.list_offsets({place: spec})[place].result(PATIENCE_S).offset

    def deleteRecords(self, topic, partition, before):
        place = TopicPartition(topic, partition, before)
        return self.admin.delete_records([place])[place].result(PATIENCE_S).low_watermark

    def cluster(self):
        found = self.admin.describe_cluster().result(PATIENCE_S)
        return {"nodeIds": [node.id for node in found.nodes], "clusterId": found.cluster_id}

    def electPreferred(self, topic, partition):
        results = self.admin.elect_leaders(ElectionType.PREFERRED, [TopicPartition(topic, partition)]).result(PATIENCE_S)
        for place, error in results.items():
            if error is not None and error.code() != KafkaError.ELECTION_NOT_NEEDED:
                raise RuntimeError(f"{place}: {error}")


session = Session(sys.argv[1])
for line in sys.stdin:
    request = json.loads(line)
    op = request.pop("op")
    try:
        answer = {"answer": getattr(session, op)(**request)}
    except Exception as error:
        answer = {"error": f"{op}: {error}"}
    if op != "record":
        print(json.dumps(answer), flush=True)
    elif "error" in answer:
        session.failed.append(answer["error"])
