/** Elements of sets, judged by the set's type. */
import { familyOf, parseAddress } from '../../src/model/address.ts';
import type { FakeSet, Json } from './nft-state.ts';
import { isJson } from './nft-state.ts';
import { object, text } from './nft-statements.ts';
import { refused } from './refuse.ts';

/** Present elements stay as they are, counters included; with `mustBeNew` they are in the way. */
export function addElements(set: FakeSet, elements: unknown, mustBeNew: boolean): void {
  for (const { key, value, comment, counts, seconds } of parseElements(set, elements)) {
    if (set.elements.has(key)) {
      if (mustBeNew) throw refused(`Could not process rule: File exists: element ${key}`);
      continue;
    }
    if (set.elements.size === set.rest['size']) throw refused('Could not process rule: Too many open files in system');
    const counter = set.counted || counts ? { packets: 0, bytes: 0 } : undefined;
    set.elements.set(key, { value, comment, counter, seconds });
  }
}

export function deleteElements(set: FakeSet, elements: unknown): void {
  for (const { key } of parseElements(set, elements)) {
    if (!set.elements.delete(key)) throw refused(`Could not process rule: No such file or directory: element ${key}`);
  }
}

/** The key under which an element's value stands in its set. */
export function elementKey(set: FakeSet, value: unknown): string {
  return JSON.stringify(parseValue(set, value));
}

function parseElements(set: FakeSet, elements: unknown) {
  if (!Array.isArray(elements) || elements.length === 0) throw refused('Invalid set.');
  return elements.map((element: unknown) => {
    const isWhole = isJson(element) && isJson(element['elem']);
    const { val, comment, counter, seconds } = isWhole
      ? withParts(element['elem'] as Json)
      : { val: element, seconds: undefined };
    const value = parseValue(set, val);
    return { key: JSON.stringify(value), value, comment, counts: counter !== undefined, seconds };
  });
}

function withParts(element: Json) {
  const { val, comment, counter, timeout } = object(element, ['val', 'comment?', 'counter?', 'timeout?']);
  const seconds = timeout === undefined ? undefined : Number(timeout);
  return { val, comment: comment === undefined ? undefined : String(comment), counter, seconds };
}

function parseValue(set: FakeSet, value: unknown): unknown {
  if (!Array.isArray(set.type)) return parsePart(String(set.type), value, set);
  const parts = isJson(value) ? value['concat'] : undefined;
  if (!Array.isArray(parts) || parts.length !== set.type.length) {
    throw refused(`invalid data type, expected concatenation of (${set.type.join(', ')}): ${text(value)}`);
  }
  return { concat: parts.map((part, index) => parsePart(String(set.type[index]), part, set)) };
}

function parsePart(type: string, value: unknown, set: FakeSet): unknown {
  const isInterval = isJson(value) && [set.rest['flags']].flat().includes('interval');
  if (isInterval && 'prefix' in value) return { prefix: object(value['prefix'], ['addr', 'len']) };
  const range = isInterval ? value['range'] : undefined;
  if (Array.isArray(range) && range.length === 2) return spanOf(range.map((end) => parseSingle(type, end)));
  return parseSingle(type, value);
}

function parseSingle(type: string, value: unknown): unknown {
  if (typeof value === 'number' && (type === 'mark' || type === 'inet_service')) return value;
  const parsed = typeof value === 'string' ? parseText(type, value) : undefined;
  if (parsed === undefined) throw refused(`${text(value)} is no ${type}`);
  return parsed;
}

function parseText(type: string, value: string): string | undefined {
  const address = parseAddress(value);
  if (address !== undefined && type === `${familyOf(address)}_addr`) return address;
  if (type === 'inet_proto') return ['tcp', 'udp'].find((name) => name === value);
  return type === 'ifname' && value !== '' && value.length <= 15 ? value : undefined;
}

function spanOf(ends: readonly unknown[]): unknown {
  return ends[0] === ends[1] ? ends[0] : { range: ends };
}
