/** What passed through the partitions of one topic on this broker. */
export class TopicTraffic {
  readonly topic: string;
  messagesIn = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** From leaders to followers here, and from leaders here to followers. */
  replicationBytesIn = 0;
  replicationBytesOut = 0;
  /** Of partitions led here. */
  inSyncShrinks = 0;
  inSyncExpands = 0;
  /** How often this broker became the leader of a partition. */
  elections = 0;
  /** Of partitions that follow here: how often a log was cut to its leader's, and the offsets that went. */
  truncations = 0;
  truncatedRecords = 0;

  constructor(topic: string) {
    this.topic = topic;
  }

  appended(records: number, bytes: number): void {
    this.messagesIn += records;
    this.bytesIn += bytes;
  }

  fetched(bytes: number): void {
    this.bytesOut += bytes;
  }

  replicatedIn(bytes: number): void {
    this.replicationBytesIn += bytes;
  }

  replicatedOut(bytes: number): void {
    this.replicationBytesOut += bytes;
  }

  /** The replicas in sync of a partition led here were so many and are now so many. */
  inSyncChanged(before: number, now: number): void {
    if (now < before) this.inSyncShrinks++;
    else if (now > before) this.inSyncExpands++;
  }

  elected(): void {
    this.elections++;
  }

  truncated(records: number): void {
    this.truncations++;
    this.truncatedRecords += records;
  }
}
