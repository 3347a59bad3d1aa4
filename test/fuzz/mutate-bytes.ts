/** Mutations that need to know nothing of the input. */
import type { Random } from './random.ts';
import type { Mutator } from './target.ts';

const edges = [0, 1, 2, 15, 16, 0x7f, 0x80, 0xff, 0x100, 0xfff, 0x1000, 0x1001, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff];

/** One to eight changes of bytes, numbers and pieces. */
export function mutateBytes(most: number): Mutator {
  return (random, input, other) => {
    let bytes: Buffer = Buffer.from(input);
    for (let count = random.few(8); count > 0; count -= 1) bytes = random.pick(changes)(random, bytes, other);
    return bytes.subarray(0, most);
  };
}

const changes: readonly Mutator[] = [
  (random, bytes) => {
    const at = random.below(bytes.length);
    if (bytes.length > 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    return bytes;
  },
  (random, bytes) => {
    if (bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256);
    return bytes;
  },
  (random, bytes) => {
    if (bytes.length >= 4) bytes.writeUInt32LE(random.pick(edges), random.below(bytes.length - 3));
    return bytes;
  },
  (random, bytes) => bytes.subarray(0, random.below(bytes.length + 1)),
  (random, bytes) => without(bytes, ...rangeIn(random, bytes)),
  (random, bytes, other) => insert(bytes, random.below(bytes.length + 1), other.subarray(...rangeIn(random, other))),
  (random, bytes) => insert(bytes, random.below(bytes.length + 1), Buffer.of(random.below(256))),
  (random, bytes) => {
    const piece = bytes.subarray(...rangeIn(random, bytes));
    return insert(bytes, random.below(bytes.length + 1), repeated(random, piece));
  },
  (random, bytes, other) =>
    Buffer.concat([bytes.subarray(0, random.below(bytes.length + 1)), other.subarray(random.below(other.length + 1))]),
];

/** Mostly a few times, sometimes as often as fits into 64 KiB, once in a while into a MiB. */
export function repeated(random: Random, piece: Buffer): Buffer {
  if (piece.length === 0) return piece;
  const room = random.once(100) ? 1024 * 1024 : 64 * 1024;
  const times = random.once(20) ? Math.floor(room / piece.length) : random.below(16);
  return Buffer.concat(Array<Buffer>(Math.min(times, 100_000)).fill(piece));
}

function insert(bytes: Buffer, at: number, piece: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
}

function without(bytes: Buffer, start: number, end: number): Buffer {
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
}

function rangeIn(random: Random, bytes: Uint8Array): [number, number] {
  const start = random.below(bytes.length + 1);
  return [start, start + random.below(Math.min(bytes.length - start, 64) + 1)];
}
