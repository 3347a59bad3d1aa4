/** Queueing disciplines (RTM_*QDISC, include/uapi/linux/pkt_sched.h): a shaper at the root of a link, and what shares it out. */
import { messageFlag } from './protocol.ts';
import { Attributes, type Message } from './reader.ts';
import type { Request } from './socket.ts';
import type { Writer } from './writer.ts';

export const qdiscMessage = { new: 36, delete: 37, get: 38 } as const;

/** TCA_*. */
const attribute = { kind: 1, options: 2 } as const;
/** TCA_TBF_*. */
const tokenBucket = { parameters: 1, rate64: 4, burst: 6 } as const;
/** TCA_FQ_CODEL_*. */
const fairQueues = { memory: 9 } as const;
/** struct tcmsg: family, pad (3), ifindex (i32), handle, parent, info (u32 each). */
const headerSize = 20;
/** TC_H_ROOT. */
const root = 0xffff_ffff;
/** TC_LINKLAYER_ETHERNET: without a table of how long packets take, which the kernel computes by itself. */
const ethernet = 1;
/** struct tc_tbf_qopt: rate and peak rate (struct tc_ratespec, 12 bytes each), limit, buffer, mtu (u32 each). */
const parametersSize = 36;

export interface QdiscMessage {
  readonly ifindex: number;
  /** `tbf`, `mq`, `fq_codel` … */
  readonly kind: string;
  /** The number ahead of the colon; 0 of those that the kernel attached by itself. */
  readonly major: number;
  readonly isRoot: boolean;
  /** Of a token bucket. */
  readonly bytesPerSecond: number | undefined;
}

export interface TokenBucket {
  readonly ifindex: number;
  readonly major: number;
  readonly bytesPerSecond: number;
  /** Bytes that may leave at once; a packet that is larger never leaves. */
  readonly burst: number;
  /** Bytes that wait at most, where nothing else is attached to it. */
  readonly limit: number;
}

/**
 * At the root of the link, instead of what the kernel attached by itself. One of the same number is changed; refused (EEXIST)
 * beside another's.
 */
export function setTokenBucket({ ifindex, major, bytesPerSecond, burst, limit }: TokenBucket): Request {
  const parameters = Buffer.alloc(parametersSize);
  parameters[1] = ethernet;
  parameters.writeUInt32LE(Math.min(bytesPerSecond, 0xffff_ffff), 8);
  parameters.writeUInt32LE(Math.min(limit, 0xffff_ffff), 24);
  return {
    type: qdiscMessage.new,
    flags: messageFlag.create,
    fill: (writer) => {
      fillHead(writer, { ifindex, handle: major << 16, parent: root, kind: 'tbf' });
      writer.nested(attribute.options, (options) => {
        options.attribute(tokenBucket.parameters, parameters).u32(tokenBucket.burst, burst);
        if (bytesPerSecond > 0xffff_ffff) options.attribute(tokenBucket.rate64, u64(bytesPerSecond));
      });
    },
  };
}

/**
 * Flows that wait in the token bucket of that number take turns. `memory`: bytes that waiting packets may take, with all that
 * the kernel needs beside their data. Refused (ENOENT) by a kernel without fq_codel.
 */
export function shareFairly({
  ifindex,
  major,
  memory,
}: Pick<TokenBucket, 'ifindex' | 'major'> & { readonly memory: number }): Request {
  return {
    type: qdiscMessage.new,
    flags: messageFlag.create | messageFlag.replace,
    fill: (writer) => {
      fillHead(writer, { ifindex, handle: 0, parent: (major << 16) | 1, kind: 'fq_codel' });
      writer.nested(attribute.options, (options) => options.u32(fairQueues.memory, memory));
    },
  };
}

/** The token bucket of that number at the root, with all that is attached to it. Refused where there is none. */
export function deleteTokenBucket({ ifindex, major }: Pick<TokenBucket, 'ifindex' | 'major'>): Request {
  return {
    type: qdiscMessage.delete,
    fill: (writer) => fillHead(writer, { ifindex, handle: major << 16, parent: root, kind: 'tbf' }),
  };
}

/** Of all links; the kernel narrows it to none. Those that a link has by itself are not all among them. */
export function listQdiscs(): Request {
  return { type: qdiscMessage.get, fill: (writer) => writer.raw(header({ ifindex: 0, handle: 0, parent: 0 })) };
}

export function readQdisc({ payload }: Message): QdiscMessage {
  const values = new Attributes(payload, headerSize);
  const kind = values.text(attribute.kind) ?? '';
  const options = kind === 'tbf' ? values.nested(attribute.options) : undefined;
  const parameters = options?.bytes(tokenBucket.parameters);
  const rate64 = options?.u64(tokenBucket.rate64);
  const rate = parameters === undefined || parameters.length < 12 ? undefined : parameters.readUInt32LE(8);
  return {
    ifindex: payload.readInt32LE(4),
    kind,
    major: payload.readUInt32LE(8) >>> 16,
    isRoot: payload.readUInt32LE(12) === root,
    bytesPerSecond: rate64 === undefined ? rate : Number(rate64),
  };
}

interface Place {
  readonly ifindex: number;
  readonly handle: number;
  readonly parent: number;
}

function fillHead(writer: Writer, { kind, ...place }: Place & { readonly kind: string }): void {
  writer.raw(header(place)).text(attribute.kind, kind);
}

function header({ ifindex, handle, parent }: Place): Buffer {
  const bytes = Buffer.alloc(headerSize);
  bytes.writeInt32LE(ifindex, 4);
  bytes.writeUInt32LE(handle >>> 0, 8);
  bytes.writeUInt32LE(parent >>> 0, 12);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
