/**
 * A tracked connection as people look at it: what it has carried, since when, and in which state; by a listing or by events
 * (include/uapi/linux/netfilter/nfnetlink_conntrack.h, nf_conntrack_common.h, nf_conntrack_tcp.h).
 */
import { conntrackMessage, conntrackSubsystem, type Tuple } from './conntrack.ts';
import { GarbledMessage } from './errors.ts';
import { addressText } from './ip.ts';
import { eachAttribute, type Message } from './reader.ts';

/** NFNLGRP_CONNTRACK_NEW, _DESTROY. */
export const conntrackGroup = { new: 1, destroy: 3 } as const;

/** CTA_*. */
const attribute = {
  original: 1,
  reply: 2,
  status: 3,
  protocol: 4,
  originalCounter: 9,
  replyCounter: 10,
  id: 12,
  time: 20,
} as const;
/** IPS_SEEN_REPLY. */
const seenReply = 2;
/** TCP_CONNTRACK_*. */
const tcpStates = [
  'none',
  'syn-sent',
  'syn-received',
  'established',
  'fin-wait',
  'close-wait',
  'last-ack',
  'time-wait',
  'closed',
  'syn-sent',
] as const;

export interface Counted {
  readonly packets: number;
  readonly bytes: number;
}

export interface TrackedFlow {
  readonly family: 'ipv4' | 'ipv6';
  /** IPPROTO_*. */
  readonly protocol: number;
  readonly original: Tuple;
  readonly reply: Tuple;
  /** Of no other connection that is tracked at the time. */
  readonly id: number;
  readonly isAnswered: boolean;
  readonly tcpState: (typeof tcpStates)[number] | undefined;
  /** Of either direction; undefined where the kernel does not count (`nf_conntrack_acct`), and in the event of a beginning. */
  readonly counters: { readonly original: Counted; readonly reply: Counted } | undefined;
  /** Unix milliseconds; undefined where the kernel does not keep them (`nf_conntrack_timestamp`). */
  readonly beganAt: number | undefined;
  readonly endedAt: number | undefined;
}

/** What an event tells: undefined for any other message. */
export function readFlowEvent(
  message: Message,
): { readonly kind: 'begin' | 'end'; readonly flow: TrackedFlow } | undefined {
  if (message.type >> 8 !== conntrackSubsystem) return undefined;
  const isEnd = (message.type & 0xff) === conntrackMessage.delete;
  const flow = readFlow(message);
  return flow && { kind: isEnd ? 'end' : 'begin', flow };
}

/**
 * Undefined for one without a direction. Throws `GarbledMessage`. Thousands come a second: each attribute is read where it
 * stands, and nothing is made on the way but what is returned.
 */
export function readFlow({ payload }: Message): TrackedFlow | undefined {
  // AF_INET6.
  const family = payload[0] === 10 ? 'ipv6' : 'ipv4';
  const reader = new FlowReader(payload);
  reader.read(4, payload.length);
  const { original, reply, protocol, sent, received, status, tcpState } = reader;
  if (original.source === '' || protocol === undefined) return undefined;
  return {
    family,
    protocol,
    original,
    reply,
    id: reader.id,
    isAnswered: (status & seenReply) !== 0,
    tcpState: tcpState === undefined ? undefined : tcpStates[tcpState],
    counters: sent === undefined || received === undefined ? undefined : { original: sent, reply: received },
    beganAt: reader.beganAt,
    endedAt: reader.endedAt,
  };
}

type Writable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

class FlowReader {
  readonly original: Writable<Tuple> = noTuple();
  readonly reply: Writable<Tuple> = noTuple();
  protocol: number | undefined;
  id = 0;
  status = 0;
  tcpState: number | undefined;
  sent: Counted | undefined;
  received: Counted | undefined;
  beganAt: number | undefined;
  endedAt: number | undefined;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  read(start: number, end: number): void {
    eachAttribute(this.#bytes, start, end, (type, from, to) => {
      switch (type) {
        case attribute.original:
          this.#tuple(this.original, from, to);
          break;
        case attribute.reply:
          this.#tuple(this.reply, from, to);
          break;
        case attribute.status:
          this.status = this.#u32(from, to);
          break;
        case attribute.id:
          this.id = this.#u32(from, to);
          break;
        case attribute.protocol:
          this.#tcp(from, to);
          break;
        case attribute.originalCounter:
          this.sent = this.#counter(from, to);
          break;
        case attribute.replyCounter:
          this.received = this.#counter(from, to);
          break;
        case attribute.time:
          // CTA_TIMESTAMP_START and _STOP, in nanoseconds.
          this.beganAt = this.#milliseconds(1, from, to);
          this.endedAt = this.#milliseconds(2, from, to);
          break;
      }
    });
  }

  #tuple(into: Writable<Tuple>, start: number, end: number): void {
    const bytes = this.#bytes;
    eachAttribute(bytes, start, end, (part, from, to) => {
      // CTA_TUPLE_IP, CTA_TUPLE_PROTO.
      if (part === 1) eachAttribute(bytes, from, to, (type, at, until) => this.#address(into, type, at, until));
      else if (part === 2) eachAttribute(bytes, from, to, (type, at, until) => this.#transport(into, type, at, until));
    });
  }

  /** CTA_IP_V4_SRC and _DST, CTA_IP_V6_SRC and _DST. */
  #address(into: Writable<Tuple>, type: number, at: number, end: number): void {
    if (type === 1 || type === 3) into.source = addressAt(this.#bytes, at, end);
    else if (type === 2 || type === 4) into.destination = addressAt(this.#bytes, at, end);
  }

  /** CTA_PROTO_NUM, _SRC_PORT, _DST_PORT. */
  #transport(into: Writable<Tuple>, type: number, at: number, end: number): void {
    if (type === 1) this.protocol = this.#bytes[at];
    else if (type === 2) into.sourcePort = this.#port(at, end);
    else if (type === 3) into.destinationPort = this.#port(at, end);
  }

  /** CTA_PROTOINFO_TCP, CTA_PROTOINFO_TCP_STATE. */
  #tcp(start: number, end: number): void {
    eachAttribute(this.#bytes, start, end, (kind, from, to) => {
      if (kind !== 1) return;
      eachAttribute(this.#bytes, from, to, (type, at) => {
        if (type === 1) this.tcpState = this.#bytes[at];
      });
    });
  }

  /** CTA_COUNTERS_PACKETS and _BYTES. */
  #counter(start: number, end: number): Counted | undefined {
    const [packets, bytes] = [this.#u64(1, start, end), this.#u64(2, start, end)];
    return packets === undefined || bytes === undefined ? undefined : { packets, bytes };
  }

  #milliseconds(wanted: number, start: number, end: number): number | undefined {
    const nanoseconds = this.#u64(wanted, start, end);
    return nanoseconds === undefined ? undefined : Math.floor(nanoseconds / 1e6);
  }

  /** In double precision: exact up to 2^53, and to a microsecond for what is a time. */
  #u64(wanted: number, start: number, end: number): number | undefined {
    let value: number | undefined;
    eachAttribute(this.#bytes, start, end, (type, at, until) => {
      if (type === wanted) value = this.#u32(at, until) * 2 ** 32 + this.#u32(at + 4, until);
    });
    return value;
  }

  #u32(at: number, end: number): number {
    if (end - at < 4) throw new GarbledMessage(`a number of ${end - at} bytes`);
    return this.#bytes.readUInt32BE(at);
  }

  #port(at: number, end: number): number {
    if (end - at < 2) throw new GarbledMessage(`a port of ${end - at} bytes`);
    return this.#bytes.readUInt16BE(at);
  }
}

function noTuple(): Writable<Tuple> {
  return { source: '', destination: '', sourcePort: undefined, destinationPort: undefined };
}

/** Of IPv4 by their number: most of what comes is about few addresses. Emptied where it has as many as that. */
const knownAddresses = new Map<number, string>();
const maxKnown = 4096;

function addressAt(bytes: Buffer, at: number, end: number): string {
  if (end - at !== 4) return addressText(bytes.subarray(at, end));
  const number = bytes.readUInt32BE(at);
  const known = knownAddresses.get(number);
  if (known !== undefined) return known;
  if (knownAddresses.size >= maxKnown) knownAddresses.clear();
  const text = addressText(bytes.subarray(at, end));
  knownAddresses.set(number, text);
  return text;
}
