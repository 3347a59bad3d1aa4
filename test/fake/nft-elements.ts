/** Elements of sets, judged by the set's type. */
import { familyOf, parseAddress } from '../../src/model/address.ts';
import type { FakeSet, Json } from './nft-state.ts';
import { isJson } from './nft-state.ts';
import { object, text } from './nft-statements.ts';
import { refused } from './refuse.ts';

/** Present elements stay as they are, counters included; with `mustBeNew` they are in the way. */
export function addElements(set: FakeSet, elements: unknown, mustBeNew: boolean): void {
  for (const { key, value, comment, counts } of parseElements(set, elements)) {
    if (set.elements.has(key)) {
      if (mustBeNew) throw refused(`Could not process rule: File exists: element ${key}`);
      continue;
    }
    if (set.elements.size === set.rest['size']) throw refused('Could not process rule: Too many open files in system');
    const counter = set.counted || counts ? { packets: 0, bytes: 0 } : undefined;
    set.elements.set(key, { value, comment, counter });
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
    const { val, comment, counter } = isWhole ? withParts(element['elem'] as Json) : { val: element };
    const value = parseValue(set, val);
    return { key: JSON.stringify(value), value, comment, counts: counter !== undefined };
  });
}

function withParts(element: Json) {
  const { val, comment, counter } = object(element, ['val', 'comment?', 'counter?']);
  return { val, comment: comment === undefined ? undefined : String(comment), counter };
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
  const isPrefix = isJson(value) && 'prefix' in value && [set.rest['flags']].flat().includes('interval');
  if (isPrefix) return { prefix: object(value['prefix'], ['addr', 'len']) };
  if (typeof value === 'string' && (type === 'ipv4_addr' || type === 'ipv6_addr')) {
    const address = parseAddress(value);
    if (address !== undefined && `${familyOf(address)}_addr` === type) return address;
  }
  if (typeof value === 'string' && type === 'ifname' && value !== '' && value.length <= 15) return value;
  if (typeof value === 'number' && (type === 'mark' || type === 'inet_service')) return value;
  throw refused(`${text(value)} is no ${type}`);
}
