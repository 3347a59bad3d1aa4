/** The bytes of what a zone is told. Names that repeat are pointers (RFC 1035 4.1.4): 64 addresses fit a datagram then. */
import type { Address } from '../model/address.ts';
import { addressBytes } from '../netlink/index.ts';
import { limits } from './limits.ts';
import { type Asked, type Rcode, rcodes } from './question.ts';
import { classIn, encodeName, flags, headerBytes, types } from './wire.ts';

/** Extended DNS errors (RFC 8914 4). */
export const extended = { stale: 3, blocked: 15, noReachableAuthority: 22 } as const;
export type Extended = (typeof extended)[keyof typeof extended];

export interface Answer {
  readonly rcode: Rcode;
  /** Targets of the CNAMEs that lead from the asked name on, in order. */
  readonly chain?: readonly string[];
  /** Of the last name of the chain. All of one family. */
  readonly addresses?: readonly Address[];
  /** Of a PTR record of the asked name. */
  readonly pointer?: string;
  /** An empty HINFO in place of all that there is of the name (RFC 8482 4.2). */
  readonly isMinimal?: true;
  /** Seconds, for every record. */
  readonly ttl?: number;
  readonly error?: Extended;
}

/** To the question's name, which every answer has right behind the header. */
const questionPointer = 0xc00c;
const plainUdpBytes = 512;
/** EDNS option code of an extended error. */
const extendedErrorCode = 15;

/** `isUdp`: with what does not fit, TC is set and nothing else is told. */
export function encodeAnswer(asked: Asked, answer: Answer, isUdp: boolean): Buffer {
  const records = recordsOf(asked.question.length, answer);
  const opt = asked.udpBytes === undefined ? [] : [optOf(answer)];
  const whole = [headerOf(asked, answer, records.length, opt.length), asked.question, ...records, ...opt];
  const size = whole.reduce((sum, part) => sum + part.length, 0);
  if (!isUdp || size <= mostBytes(asked)) return Buffer.concat(whole, size);
  return Buffer.concat([headerOf(asked, answer, 0, opt.length, flags.truncated), asked.question, ...opt]);
}

function mostBytes({ udpBytes }: Asked): number {
  return Math.min(limits.udpBytes, Math.max(plainUdpBytes, udpBytes ?? 0));
}

function headerOf(asked: Asked, { rcode }: Answer, answers: number, additionals: number, more = 0): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(asked.id, 0);
  header.writeUInt16BE(flags.response | flags.recursionAvailable | asked.flags | more | (rcode & 0xf), 2);
  header.writeUInt16BE(asked.question.length === 0 ? 0 : 1, 4);
  header.writeUInt16BE(answers, 6);
  header.writeUInt16BE(additionals, 10);
  return header;
}

function recordsOf(
  questionBytes: number,
  { chain = [], addresses = [], pointer, isMinimal, ttl = 0 }: Answer,
): readonly Buffer[] {
  const records: Buffer[] = [];
  let [owner, end] = [questionPointer, headerBytes + questionBytes];
  const add = (type: number, data: Uint8Array) => {
    records.push(record(owner, type, ttl, data));
    end += recordBytes + data.length;
  };
  for (const target of chain) {
    const targetAt = end + recordBytes;
    add(types.cname, encodeName(target));
    owner = 0xc000 | targetAt;
  }
  for (const address of addresses) {
    const data = addressBytes(address);
    add(data.length === 4 ? types.a : types.aaaa, data);
  }
  if (pointer !== undefined) add(types.ptr, encodeName(pointer));
  // Two strings: CPU `RFC8482` and an empty OS.
  if (isMinimal) add(types.hinfo, Buffer.from('\x07RFC8482\x00', 'latin1'));
  return records;
}

/** Without its data. */
const recordBytes = 12;

function record(owner: number, type: number, ttl: number, data: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(recordBytes + data.length);
  bytes.writeUInt16BE(owner, 0);
  bytes.writeUInt16BE(type, 2);
  bytes.writeUInt16BE(classIn, 4);
  bytes.writeUInt32BE(Math.floor(ttl), 6);
  bytes.writeUInt16BE(data.length, 10);
  bytes.set(data, recordBytes);
  return bytes;
}

function optOf({ rcode, error }: Answer): Buffer {
  const opt = Buffer.alloc(error === undefined ? 11 : 17);
  opt.writeUInt16BE(types.opt, 1);
  opt.writeUInt16BE(limits.queryBytes, 3);
  opt.writeUInt8(rcode >> 4, 5);
  if (error === undefined) return opt;
  opt.writeUInt16BE(6, 9);
  opt.writeUInt16BE(extendedErrorCode, 11);
  opt.writeUInt16BE(2, 13);
  opt.writeUInt16BE(error, 15);
  return opt;
}

/** Whoever is no policed zone, and a zone whose resolvers failed, get no more than this. */
export const refused: Answer = { rcode: rcodes.refused };
export const failed: Answer = { rcode: rcodes.servFail };
/** No rule allows the name. NXDOMAIN and not REFUSED, at which musl and c-ares give up or ask the next server. */
export const blocked: Answer = { rcode: rcodes.nxDomain, error: extended.blocked };
