/** Ours at the root of a link, and how the kernel is told of it. */
import * as netlink from '../netlink/index.ts';
import type { Shaper } from './port.ts';

/** How a restarted daemon knows its own: `75:` in tc(8), which has it in hexadecimal. */
const major = 0x75;
/** How much may leave at once, and how long anything waits where the kernel has no fq_codel. */
const [burstMs, longestWaitMs] = [4, 50];
/** The kernel hands over up to 64 KiB as one packet, and cuts up what is larger than the burst. */
const leastBurst = 70_000;

/** Bytes: fq_codel's own bound, and how much of it for each byte that may wait. */
const [usualMemory, memoryPerByte] = [32 * 1024 * 1024, 4];

interface Place {
  readonly ifindex: number;
}

export function tokenBucketOf({ ifindex, bitsPerSecond }: Place & { readonly bitsPerSecond: number }) {
  const bytesPerSecond = Math.floor(bitsPerSecond / 8);
  const burst = Math.max(leastBurst, Math.ceil((bytesPerSecond * burstMs) / 1000));
  const limit = burst + Math.ceil((bytesPerSecond * longestWaitMs) / 1000);
  return { ifindex, major, bytesPerSecond, burst, limit };
}

/**
 * fq_codel by itself lets 32 MiB wait, which nothing shortens where senders do not listen: whoever floods a hundred slow zones
 * would take gigabytes of dom0's memory. A packet takes up to twice its data, one of 64 KiB that is not cut up yet too.
 */
export function fairShares({ ifindex, bitsPerSecond }: Place & { readonly bitsPerSecond: number }): netlink.Request {
  const { limit } = tokenBucketOf({ ifindex, bitsPerSecond });
  return netlink.shareFairly({ ifindex, major, memory: Math.min(usualMemory, limit * memoryPerByte) });
}

export function withoutTokenBucket({ ifindex }: Place): netlink.Request {
  return netlink.deleteTokenBucket({ ifindex, major });
}

/** Undefined for what the kernel attached by itself, and for what is no root. */
export function shaperIn(qdisc: netlink.QdiscMessage): Shaper | undefined {
  if (!qdisc.isRoot || qdisc.major === 0) return undefined;
  const { kind, bytesPerSecond } = qdisc;
  if (kind === 'tbf' && qdisc.major === major && bytesPerSecond !== undefined)
    return { kind: 'ours', bitsPerSecond: bytesPerSecond * 8 };
  return { kind: 'other', qdisc: `${kind} ${qdisc.major.toString(16)}:` };
}

/** In the words of tc(8). */
export function shaperCommand({ ifindex, bitsPerSecond }: Place & { readonly bitsPerSecond: number }): string {
  const { burst, limit } = tokenBucketOf({ ifindex, bitsPerSecond });
  return `qdisc replace dev if${ifindex} root handle ${major.toString(16)}: tbf rate ${bitsPerSecond}bit burst ${burst} limit ${limit}`;
}

export function withoutShaperCommand({ ifindex }: Place): string {
  return `qdisc del dev if${ifindex} root handle ${major.toString(16)}:`;
}
