/** Mutations of protobuf messages by their fields (https://protobuf.dev/programming-guides/encoding/), as bytes otherwise. */
import { mutateBytes } from './mutate-bytes.ts';
import { awkward } from './mutate-text.ts';
import type { Random } from './random.ts';
import type { Mutator } from './target.ts';

interface Field {
  readonly number: number;
  /** 0: varint, 1: 64 bits, 2: with a length, 5: 32 bits. */
  readonly wire: number;
  readonly bytes: Buffer;
}

const blind = mutateBytes(64 * 1024);
const varints = [
  '00',
  '01',
  '7f',
  '8001',
  'ffffffff0f',
  '8080808008',
  'ffffffffffffffffff01',
  'ffffffffffffffffffff7f',
];

/** A quarter of the inputs are treated as bytes. */
export const mutateProtobuf: Mutator = (random, input, other) => {
  if (random.once(4)) return blind(random, input, other);
  let bytes = input;
  for (let count = random.few(5); count > 0; count -= 1) bytes = changedMessage(random, bytes, other, 0);
  return bytes.subarray(0, 64 * 1024);
};

function changedMessage(random: Random, message: Buffer, other: Buffer, depth: number): Buffer {
  const fields = fieldsOf(message);
  if (fields === undefined || fields.length === 0) return blind(random, message, other);
  const at = random.below(fields.length);
  const field = fields[at];
  if (field === undefined) return message;
  const descends = field.wire === 2 && depth < 8 && !random.once(4);
  const replaced = descends ? [{ ...field, bytes: changedMessage(random, field.bytes, other, depth + 1) }] : undefined;
  return encode(fields.toSpliced(at, 1, ...(replaced ?? changedField(random, field, other))));
}

function changedField(random: Random, field: Field, other: Buffer): Field[] {
  const roll = random.below(8);
  if (roll === 0) return [];
  if (roll === 1) return [field, field];
  if (roll === 2) return [{ ...field, number: random.pick([1, 2, 3, 4, 5, 6, 8, 15, 16, 0, 536870911]) }];
  if (roll === 3) return [{ ...field, wire: random.pick([0, 1, 2, 3, 4, 5, 6, 7]) }];
  if (roll === 4) return Array<Field>(random.once(30) ? 3000 : random.below(70)).fill(field);
  if (roll === 5) return [field, ...(fieldsOf(other) ?? [])];
  if (field.wire === 0) return [{ ...field, bytes: Buffer.from(random.pick(varints), 'hex') }];
  return [{ ...field, bytes: Buffer.from(random.pick(awkward)) }];
}

/** Undefined where the bytes are no message. */
function fieldsOf(message: Buffer): Field[] | undefined {
  const fields: Field[] = [];
  for (let at = 0; at < message.length; ) {
    const tagEnd = varintEnd(message, at);
    const tag = varintAt(message, at);
    const wire = tag & 7;
    const lengthEnd = wire === 2 ? varintEnd(message, tagEnd) : tagEnd;
    const end = {
      0: varintEnd(message, tagEnd),
      1: tagEnd + 8,
      2: lengthEnd + varintAt(message, tagEnd),
      5: tagEnd + 4,
    }[wire];
    if (end === undefined || end > message.length || end <= at) return undefined;
    fields.push({ number: tag >>> 3, wire, bytes: message.subarray(lengthEnd, end) });
    at = end;
  }
  return fields;
}

function encode(fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap(({ number, wire, bytes }) => [
      varint(number * 8 + wire),
      ...(wire === 2 ? [varint(bytes.length)] : []),
      bytes,
    ]),
  );
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

function varintAt(bytes: Buffer, at: number): number {
  let value = 0;
  for (let place = at; place < Math.min(at + 4, bytes.length); place += 1) {
    const byte = bytes[place] ?? 0;
    value |= (byte & 0x7f) << (7 * (place - at));
    if (byte < 0x80) break;
  }
  return value;
}

function varintEnd(bytes: Buffer, at: number): number {
  let end = at;
  while (end < bytes.length && (bytes[end] ?? 0) > 0x7f) end += 1;
  return end + 1;
}
