"""librdkafka's producer at a pace, through confluent-kafka.
  latency BOOTSTRAP TOPIC RATE WARMUP RECORDS LINGER_MS   records of 1 KiB; prints the percentiles of what came behind the warm-up as JSON
  gaps BOOTSTRAP TOPIC RATE LINGER_MS                     to partition 0 until standard input ends; prints a line for each acknowledgement
"""

import json
import os
import sys
import threading
import time

from confluent_kafka import Producer

mode, bootstrap, topic, rate = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
linger_ms = float(sys.argv[-1])
producer = Producer(
    {
        "bootstrap.servers": bootstrap,
        "acks": "all",
        "enable.idempotence": True,
        "linger.ms": linger_ms,
        "message.timeout.ms": 120000,
        "queue.buffering.max.messages": 500000,
        # That a leader is killed is no news here.
        "log_level": 0,
    }
)
value = os.urandom(1024)
failed = []


def paced(count, send):
    """Sends by the clock, not by the answers: what is late stays late."""
    started = time.monotonic()
    sent = 0
    while count is None or sent < count:
        if stopped.is_set():
            return
        due = int((time.monotonic() - started) * rate) + 1
        if count is not None:
            due = min(due, count)
        while sent < due:
            send(sent)
            sent += 1
        producer.poll(0.0005)


stopped = threading.Event()
if mode == "latency":
    warmup, records = int(sys.argv[5]), int(sys.argv[6])
    latencies = []

    def send(at):
        begun = time.monotonic()

        def delivered(error, _message):
            if error is not None:
                failed.append(str(error))
            elif at >= warmup:
                latencies.append((time.monotonic() - begun) * 1000)

        producer.produce(topic, value, on_delivery=delivered)

    began = time.monotonic()
    paced(warmup + records, send)
    producer.flush(120)
    elapsed = time.monotonic() - began
    if failed or len(latencies) != records:
        sys.exit(f"{len(failed)} failed, {len(latencies)} of {records} acknowledged: {failed[:3]}")
    latencies.sort()
    at = lambda share: latencies[min(len(latencies) - 1, int(len(latencies) * share))]
    print(
        json.dumps(
            {
                "recordsPerSecond": (warmup + records) / elapsed,
                "latencyMs": {"p50": at(0.5), "p99": at(0.99), "max": latencies[-1]},
            }
        )
    )
else:

    def delivered(error, _message):
        if error is not None:
            failed.append(str(error))
        else:
            sys.stdout.write("acknowledged\n")
            sys.stdout.flush()

    threading.Thread(target=lambda: (sys.stdin.read(), stopped.set()), daemon=True).start()
    paced(None, lambda _at: producer.produce(topic, value, partition=0, on_delivery=delivered))
    producer.flush(120)
    if failed:
        sys.exit(f"{len(failed)} failed: {failed[:3]}")
