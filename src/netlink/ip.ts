/** IP addresses as bytes and as text, in inet_ntop(3)'s spelling. */
import { isIPv4, isIPv6 } from 'node:net';
import { GarbledMessage } from './errors.ts';

/** 4 or 16 bytes. Throws `GarbledMessage` for any other number of them. */
export function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  if (bytes.length === 16) return ipv6Text(bytes);
  throw new GarbledMessage(`an address of ${bytes.length} bytes`);
}

/** Throws `TypeError` for what is no address; a zone index (`%eth0`) is none. */
export function addressBytes(address: string): Uint8Array {
  if (isIPv4(address)) return Uint8Array.from(address.split('.', 4), Number);
  if (!isIPv6(address) || address.includes('%')) throw new TypeError(`${address} is no IP address`);
  const bytes = new Uint8Array(16);
  const [head = '', tail] = address.split('::');
  const [left, right] = [partBytes(head), partBytes(tail ?? '')];
  bytes.set(left, 0);
  bytes.set(right, 16 - right.length);
  return bytes;
}

function partBytes(part: string): number[] {
  if (part === '') return [];
  return part.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

/** Thousands of them are read at once: nothing is made on the way but the text. */
function ipv6Text(bytes: Buffer): string {
  const [start, end] = longestZeros(bytes);
  // glibc writes ::a.b.c.d and ::ffff:a.b.c.d; ::1 and :: are none of these.
  if (start === 0 && (end === 6 || (end === 5 && group(bytes, 5) === 0xffff))) {
    const dotted = `${bytes[12]}.${bytes[13]}.${bytes[14]}.${bytes[15]}`;
    return end === 6 ? `::${dotted}` : `::ffff:${dotted}`;
  }
  if (end - start < 2) return groups(bytes, 0, 8);
  return `${groups(bytes, 0, start)}::${groups(bytes, end, 8)}`;
}

function groups(bytes: Buffer, from: number, to: number): string {
  let text = '';
  for (let place = from; place < to; place += 1) {
    text += place === from ? group(bytes, place).toString(16) : `:${group(bytes, place).toString(16)}`;
  }
  return text;
}

function group(bytes: Buffer, place: number): number {
  return ((bytes[2 * place] ?? 0) << 8) | (bytes[2 * place + 1] ?? 0);
}

/** The first of the longest runs of zero groups. */
function longestZeros(bytes: Buffer): [start: number, end: number] {
  let [start, end, first] = [0, 0, 0];
  for (let place = 0; place < 8; place += 1) {
    if (group(bytes, place) !== 0) first = place + 1;
    else if (place + 1 - first > end - start) [start, end] = [first, place + 1];
  }
  return [start, end];
}
