const HTTP = /^(?:GET |POST|PUT |HEAD|DELE|OPTI|PATC|CONN|TRAC)/;

/** What somebody says who does not speak Kafka's protocol, by his first bytes: for the log of the node, where he is looked for. */
export function foreign(head: Uint8Array, maxBytes: number): string {
  const text = String.fromCharCode(...head.subarray(0, 24));
  if (text.startsWith("PRI ")) return "speaks HTTP/2, as gRPC clients do: the door for them is another one (grpc.listeners)";
  if (HTTP.test(text)) return "speaks HTTP: health and metrics are at another door (http.listeners)";
  if (head[0] === 0x16 && head[1] === 3)
    return "speaks TLS: this listener is PLAINTEXT, and encryption is not in this version; set security.protocol=PLAINTEXT";
  if (text.startsWith("SSH-")) return "speaks SSH";
  const size = head.length < 4 ? 0 : new DataView(head.buffer, head.byteOffset, head.byteLength).getInt32(0);
  if (size > maxBytes && size < 1 << 30)
    return `sends a request of ${size} bytes or no Kafka request at all; socket.request.max.bytes allows ${maxBytes}`;
  return `does not speak Kafka's protocol: it says that its request has ${size} bytes`;
}
