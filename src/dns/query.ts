/**
 * Our own queries, and whether something is an answer to one. Whoever wants to put words into a resolver's mouth has to guess
 * an id, a port and the case of every letter (draft-vixie-dnsext-dns0x20) within the time of one attempt, or see the packets.
 */
import { randomInt } from 'node:crypto';
import type { AddressType } from './chain.ts';
import { limits } from './limits.ts';
import { classIn, encodeName, flags, headerBytes, types } from './wire.ts';

/** A query as it was sent, to be compared with what comes back. */
export interface Query {
  readonly bytes: Buffer;
  readonly id: number;
  /** Name in the case that was chosen, type, class. */
  readonly question: Buffer;
}

/** `other case`: the right question, but for the case of letters: a resolver that does not keep it, or somebody who guesses. */
export type Match = 'answer' | 'other case' | 'no answer';

/** `name` without its last dot, in labels of letters, digits, `-` and `_`. */
export function makeQuery(name: string, type: AddressType): Query {
  const id = randomInt(0x1_0000);
  const end = Buffer.alloc(4);
  end.writeUInt16BE(types[type === 'A' ? 'a' : 'aaaa'], 0);
  end.writeUInt16BE(classIn, 2);
  const question = Buffer.concat([encodeName(inRandomCase(name)), end]);
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(flags.recursionDesired, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(1, 10);
  // EDNS without options: no client subnet, which would tell others who asks.
  const opt = Buffer.alloc(11);
  opt.writeUInt16BE(types.opt, 1);
  opt.writeUInt16BE(limits.udpBytes, 3);
  return { bytes: Buffer.concat([header, question, opt]), id, question };
}

function inRandomCase(name: string): string {
  let bits = 0;
  let text = '';
  for (let place = 0; place < name.length; place += 1) {
    if (place % 32 === 0) bits = randomInt(2 ** 32);
    const letter = name.charAt(place);
    text += ((bits >>> (place % 32)) & 1) === 0 ? letter : letter.toUpperCase();
  }
  return text;
}

/** Whether `answer` is one to `query`: id, and the question bit by bit. */
export function matchAnswer(answer: Buffer, { id, question }: Query): Match {
  const end = headerBytes + question.length;
  if (answer.length < end || answer.readUInt16BE(0) !== id) return 'no answer';
  if ((answer.readUInt16BE(2) & flags.response) === 0 || answer.readUInt16BE(4) !== 1) return 'no answer';
  const repeated = answer.subarray(headerBytes, end);
  if (repeated.equals(question)) return 'answer';
  return lowerCase(repeated) === lowerCase(question) ? 'other case' : 'no answer';
}

function lowerCase(bytes: Buffer): string {
  return bytes.toString('latin1').toLowerCase();
}
