/** Queries as a libc sends them, and answers as people compare them. */
import packet, { type Packet } from 'dns-packet';

/** A query as a libc sends it, with EDNS. */
export function query(name: string, type: string, options: Packet = {}): Buffer {
  const opt = { type: 'OPT', name: '.', udpPayloadSize: 1232, extendedRcode: 0, ednsVersion: 0, flags: 0, options: [] };
  return packet.encode({
    type: 'query',
    id: 0x1234,
    flags: packet.RECURSION_DESIRED,
    questions: [{ name, type: type as 'A' }],
    additionals: [opt as never],
    ...options,
  });
}

/** An answer as people compare it. */
export function read(bytes: Buffer) {
  const {
    id,
    rcode,
    questions,
    answers = [],
    additionals = [],
    flag_tc,
  } = packet.decode(bytes) as packet.DecodedPacket & {
    rcode: string;
  };
  const opt = additionals.find((each) => each.type === 'OPT');
  const code = opt?.options.find((option) => (option.code as unknown) === 15) as { data: Buffer } | undefined;
  return {
    id,
    rcode,
    name: questions?.[0]?.name,
    answers: answers.map((each) => `${each.name} ${each.type} ${'data' in each ? dataOf(each.data) : ''}`),
    ttls: answers.map((each) => ('ttl' in each ? each.ttl : undefined)),
    isTruncated: flag_tc,
    error: code?.data.readUInt16BE(0),
  };
}

function dataOf(data: unknown): string {
  return typeof data === 'string' ? data : JSON.stringify(data);
}
