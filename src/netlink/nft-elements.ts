/**
 * Elements of nftables' sets: their keys, and what else is said of each (include/uapi/linux/netfilter/nf_tables.h).
 *
 * Hazards: adding an element again with the timeout that it has renews nothing (Linux 6.18; with another one neither, before
 * 6.12), and without a timeout makes it last: delete and add it in one batch. One that has expired is gone for a deletion, which then
 * fails with all of its batch, and counts for the set's size all the same until it is collected.
 */
import { addressText } from './ip.ts';
import {
  attributesOf,
  counter,
  dataAttribute as data,
  interfaceName,
  interfaceNameSize,
  listElement,
} from './nft-expressions.ts';
import { type Attributes, readText } from './reader.ts';
import type { Writer } from './writer.ts';

/** NFTA_SET_ELEM_*. */
const attribute = {
  key: 1,
  timeout: 4,
  expiration: 5,
  userData: 6,
  expression: 7,
  keyEnd: 10,
  expressions: 11,
} as const;
/** libnftnl's NFTNL_UDATA_SET_ELEM_COMMENT: one byte each of type and length, then the text with its NUL. */
const commentType = 0;
/** In bytes, so that the length of a comment fits its byte. */
export const maxComment = 253;

export interface NewElement {
  readonly key: Uint8Array;
  /** The last key of an interval; each part is one of its own. Of sets of concatenations only. */
  readonly keyEnd?: Uint8Array | undefined;
  /** Milliseconds; without it the element stays. */
  readonly timeout?: number | undefined;
  /** Shown by nft; of at most `maxComment` bytes. */
  readonly comment?: string | undefined;
}

export interface Element {
  readonly key: Buffer;
  readonly keyEnd: Buffer | undefined;
  readonly counter: Counter | undefined;
  /** Milliseconds that are left; undefined where it stays. */
  readonly expiration: number | undefined;
  readonly comment: string | undefined;
}

export interface Counter {
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** The parts of a key, each filled up to whole words, as the kernel has them in registers. */
export function elementKey(parts: readonly (Uint8Array | string)[]): Uint8Array {
  const bytes = parts.map((part) => (typeof part === 'string' ? interfaceName(part) : part));
  const key = new Uint8Array(bytes.reduce((size, { length }) => size + words(length), 0));
  let at = 0;
  for (const part of bytes) {
    key.set(part, at);
    at += words(part.length);
  }
  return key;
}

/** The link's name that a key begins with. */
export function linkOfKey(key: Buffer): string {
  return readText(key.subarray(0, interfaceNameSize));
}

/** IPPROTO_*, as far as they have a port that a set here is about. */
const protocols = { tcp: 6, udp: 17 } as const;

/** Bytes of a part of a key, by nft's name for its type, and what they say. */
const keyParts = {
  ifname: { size: interfaceNameSize, read: readText },
  ipv4_addr: { size: 4, read: addressText },
  ipv6_addr: { size: 16, read: addressText },
  inet_proto: { size: 1, read: (bytes: Buffer) => protocolText(bytes.readUInt8()) },
  inet_service: { size: 2, read: (bytes: Buffer) => String(bytes.readUInt16BE()) },
} as const;
export type KeyPart = keyof typeof keyParts;

export function isKeyPart(type: string): type is KeyPart {
  return Object.hasOwn(keyParts, type);
}

/** The reverse of `elementKey`. Throws `RangeError` where the key has another length. */
export function partsOfKey(key: Buffer, types: readonly KeyPart[]): string[] {
  let at = 0;
  return types.map((type) => {
    const { size, read } = keyParts[type];
    const start = at;
    at += words(size);
    return read(key.subarray(start, start + size));
  });
}

/** A transport's protocol number. */
export function protocolBytes(protocol: keyof typeof protocols): Uint8Array {
  return Uint8Array.of(protocols[protocol]);
}

export function portBytes(port: number): Uint8Array {
  return Uint8Array.of(port >> 8, port & 0xff);
}

/** One of NFTA_SET_ELEM_LIST_ELEMENTS. `isCounted`: it gets a counter of its own. */
export function writeElement(list: Writer, { key, keyEnd, timeout, comment }: NewElement, isCounted: boolean): void {
  list.nested(listElement, (element) => {
    element.nested(attribute.key, (value) => value.attribute(data.value, key));
    if (keyEnd !== undefined) element.nested(attribute.keyEnd, (value) => value.attribute(data.value, keyEnd));
    if (timeout !== undefined) element.u64be(attribute.timeout, BigInt(timeout));
    if (comment !== undefined) element.attribute(attribute.userData, commentBytes(comment));
    if (isCounted) element.nested(attribute.expression, counter);
  });
}

/** Those of an NFTA_SET_ELEM_LIST_ELEMENTS; one without a key is a set's catch-all. */
export function readElements(list: Buffer): Element[] {
  return attributesOf(list).flatMap((element) => {
    const key = element.nested(attribute.key)?.bytes(data.value);
    if (key === undefined) return [];
    const expiration = element.u64be(attribute.expiration);
    return [
      {
        key,
        keyEnd: element.nested(attribute.keyEnd)?.bytes(data.value),
        counter: counterOf(element),
        expiration: expiration === undefined ? undefined : Number(expiration),
        comment: commentOf(element.bytes(attribute.userData)),
      },
    ];
  });
}

function counterOf(element: Attributes): Counter | undefined {
  const several = element.bytes(attribute.expressions);
  const expressions = several === undefined ? [element.nested(attribute.expression)] : attributesOf(several);
  const found = expressions.find((each) => each?.text(1) === 'counter')?.nested(2);
  const [bytes, packets] = [found?.u64be(1), found?.u64be(2)];
  return bytes === undefined || packets === undefined ? undefined : { bytes, packets };
}

function commentBytes(comment: string): Uint8Array {
  const text = Buffer.from(comment);
  if (text.length > maxComment) throw new RangeError(`a comment of ${text.length} bytes`);
  return Buffer.concat([Uint8Array.of(commentType, text.length + 1), text, Uint8Array.of(0)]);
}

/** Undefined where there is none, or what is there is not libnftnl's. */
function commentOf(userData: Buffer | undefined): string | undefined {
  for (let at = 0; userData !== undefined && at + 2 <= userData.length; at += 2 + (userData[at + 1] ?? 0)) {
    const end = at + 2 + (userData[at + 1] ?? 0);
    if (userData[at] === commentType && end <= userData.length) return readText(userData.subarray(at + 2, end));
  }
  return undefined;
}

function protocolText(number: number): string {
  return Object.entries(protocols).find(([, each]) => each === number)?.[0] ?? String(number);
}

function words(size: number): number {
  return (size + 3) & ~3;
}
