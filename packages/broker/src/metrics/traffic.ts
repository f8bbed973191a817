/** What passed through the partitions of one topic on this broker. */
export class TopicTraffic {
  readonly topic: string;
  messagesIn = 0;
  bytesIn = 0;
  bytesOut = 0;

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
}
