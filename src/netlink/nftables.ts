/**
 * nftables' sets and rules, in one transaction each (include/uapi/linux/netfilter/nf_tables.h). What nft cannot read back is not made:
 * nothing here carries user data.
 *
 * Hazards: acknowledgements come once the whole batch was committed or given up, in the latter case with an error besides
 * (nfnetlink_rcv_batch of Linux); the batch's end has one of its own only since Linux 6.10, so the last change asks for one. One
 * deletion of what is not there fails all; a transaction that changes nothing makes no event and no generation.
 */
import { NetlinkError } from './errors.ts';
import { addressText } from './ip.ts';
import {
  attributesOf,
  counter,
  dataAttribute as data,
  type Expression,
  interfaceName,
  interfaceNameSize,
  listElement,
} from './nft-expressions.ts';
import { messageFlag, messageType, protocol } from './protocol.ts';
import { Attributes, type Message, readText, required } from './reader.ts';
import { RequestSocket, refusalIn } from './socket.ts';
import type { Writer } from './writer.ts';

/** NFPROTO_*. */
export const nftFamilies = { inet: 1, ip: 2, arp: 3, netdev: 5, bridge: 7, ip6: 10 } as const;
export type NftFamilyName = keyof typeof nftFamilies;

/** NFNL_SUBSYS_NFTABLES. */
export const subsystem = 10;
/** NFT_MSG_*. */
export const nftMessage = {
  newRule: 6,
  deleteRule: 8,
  newElement: 12,
  getElement: 13,
  deleteElement: 14,
  newGeneration: 15,
  getGeneration: 16,
} as const;
/** NFNL_MSG_BATCH_BEGIN and _END. */
const batch = { begin: 0x10, end: 0x11 } as const;
/** NFTA_RULE_*. */
const ruleAttribute = { table: 1, chain: 2, handle: 3, expressions: 4, position: 6 } as const;
/** NFTA_SET_ELEM_LIST_*, NFTA_SET_ELEM_*. */
const elementList = { table: 1, set: 2, elements: 3 } as const;
const elementAttribute = { key: 1, expression: 7, expressions: 11 } as const;
/** So that a nested attribute stays below its 64 KiB. */
const elementsPerMessage = 500;

export interface RuleAt {
  readonly family: NftFamilyName;
  readonly table: string;
  readonly chain: string;
}

export interface SetAt {
  readonly family: NftFamilyName;
  readonly table: string;
  readonly set: string;
}

export type NftChange =
  | ElementChange
  /** Behind all others of its chain. */
  | (RuleAt & { readonly kind: 'add-rule'; readonly expressions: readonly Expression[] })
  | (RuleAt & { readonly kind: 'delete-rule'; readonly handle: number });

interface ElementChange extends SetAt {
  readonly kind: 'add-elements' | 'delete-elements';
  readonly keys: readonly Uint8Array[];
  /** Each new element gets a counter of its own. */
  readonly counted?: boolean;
}

export class NftSocket {
  readonly #socket: RequestSocket;

  constructor() {
    this.#socket = new RequestSocket(protocol.netfilter);
  }

  get port(): number {
    return this.#socket.port;
  }

  /**
   * All of it or nothing. Returns the handles of the added rules, in their order. Throws `NetlinkError` with the errno of the
   * first that was refused, and `ENOBUFS` where nobody knows what became of it.
   */
  transact(changes: readonly NftChange[]): number[] {
    const parts = changes.flatMap(partsOf);
    if (parts.length === 0) return [];
    const handles: number[] = [];
    let refusal: NetlinkError | undefined;
    let isCommitted = false;
    let last = 0;
    this.#socket.talk(
      (writer, next) => {
        writer.message({ type: batch.begin, sequence: next() }, (w) => w.raw(batchHeader));
        for (const [place, { flags, ...part }] of parts.entries()) {
          const acknowledge = place === parts.length - 1 ? messageFlag.acknowledge : 0;
          last = next();
          writer.message({ type: part.type, flags: flags | acknowledge, sequence: last }, part.fill);
        }
        writer.message({ type: batch.end, sequence: next() }, (w) => w.raw(batchHeader));
      },
      (message) => {
        if (message.type === messageType.error) {
          const error = refusalIn(message);
          if (error === undefined && message.sequence === last) isCommitted = true;
          refusal ??= error;
        } else if (message.type === ((subsystem << 8) | nftMessage.newRule)) {
          const handle = new Attributes(message.payload, 4).u64be(ruleAttribute.handle);
          if (handle !== undefined) handles.push(Number(handle));
        }
      },
    );
    if (refusal !== undefined) throw refusal;
    if (!isCommitted) throw new NetlinkError('ENODATA', 'the kernel did not say what became of the transaction');
    return handles;
  }

  /** Each element's key, and its counter where it has one. Throws `ENOENT` where there is no such set. */
  elements(at: SetAt): { readonly key: Buffer; readonly counter: Counter | undefined }[] {
    const fill = (writer: Writer) =>
      void writer.raw(header(at.family)).text(elementList.table, at.table).text(elementList.set, at.set);
    const type = (subsystem << 8) | nftMessage.getElement;
    return this.#socket.dump({ type, fill }, readElements).flat();
  }

  /** A number that each transaction of anybody's that changes something makes another one (NFTA_GEN_ID). */
  generation(): number {
    const type = (subsystem << 8) | nftMessage.getGeneration;
    const [answer] = this.#socket.ask({ type, fill: (writer) => writer.raw(Buffer.alloc(4)) });
    return required(answer && new Attributes(answer.payload, 4).u32be(1), 'the generation');
  }

  close(): void {
    this.#socket.close();
  }
}

export interface Counter {
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** The parts of a key, each filled up to whole words, as the kernel has them in registers. */
export function elementKey(parts: readonly (Uint8Array | string)[]): Uint8Array {
  const bytes = parts.map((part) => (typeof part === 'string' ? interfaceName(part) : part));
  const key = new Uint8Array(bytes.reduce((size, { length }) => size + ((length + 3) & ~3), 0));
  let at = 0;
  for (const part of bytes) {
    key.set(part, at);
    at += (part.length + 3) & ~3;
  }
  return key;
}

/** The link's name that a key begins with. */
export function linkOfKey(key: Buffer): string {
  return readText(key.subarray(0, interfaceNameSize));
}

/** Bytes of a part of a key, by nft's name for its type, and what they say. */
const keyParts = {
  ifname: { size: interfaceNameSize, read: readText },
  ipv4_addr: { size: 4, read: addressText },
  ipv6_addr: { size: 16, read: addressText },
} as const;
export type KeyPart = keyof typeof keyParts;

export function isKeyPart(type: string): type is KeyPart {
  return Object.hasOwn(keyParts, type);
}

/** The reverse of `elementKey`. Throws `GarbledMessage` where the key has another length. */
export function partsOfKey(key: Buffer, types: readonly KeyPart[]): string[] {
  let at = 0;
  return types.map((type) => {
    const { size, read } = keyParts[type];
    at += size;
    return read(key.subarray(at - size, at));
  });
}

/** A message without its sequence number. */
interface Part {
  readonly type: number;
  readonly flags: number;
  readonly fill: (writer: Writer) => void;
}

function partsOf(change: NftChange): Part[] {
  switch (change.kind) {
    case 'add-elements':
    case 'delete-elements': {
      const parts: Part[] = [];
      for (let start = 0; start < change.keys.length; start += elementsPerMessage) {
        parts.push(elementsPart(change, change.keys.slice(start, start + elementsPerMessage)));
      }
      return parts;
    }
    case 'add-rule': {
      const flags = messageFlag.create | messageFlag.append | messageFlag.echo;
      const fill = (w: Writer) => {
        w.raw(header(change.family)).text(ruleAttribute.table, change.table).text(ruleAttribute.chain, change.chain);
        w.nested(ruleAttribute.expressions, (list) => {
          for (const each of change.expressions) list.nested(listElement, each);
        });
      };
      return [{ type: (subsystem << 8) | nftMessage.newRule, flags, fill }];
    }
    case 'delete-rule': {
      const fill = (w: Writer) => {
        w.raw(header(change.family)).text(ruleAttribute.table, change.table).text(ruleAttribute.chain, change.chain);
        w.u64be(ruleAttribute.handle, BigInt(change.handle));
      };
      return [{ type: (subsystem << 8) | nftMessage.deleteRule, flags: 0, fill }];
    }
  }
}

function elementsPart({ kind, family, table, set, counted = false }: ElementChange, keys: readonly Uint8Array[]): Part {
  const isNew = kind === 'add-elements';
  const fill = (w: Writer) => {
    w.raw(header(family)).text(elementList.table, table).text(elementList.set, set);
    w.nested(elementList.elements, (list) => {
      for (const key of keys) {
        list.nested(listElement, (element) => {
          element.nested(elementAttribute.key, (value) => value.attribute(data.value, key));
          if (isNew && counted) element.nested(elementAttribute.expression, counter);
        });
      }
    });
  };
  const message = isNew ? nftMessage.newElement : nftMessage.deleteElement;
  return { type: (subsystem << 8) | message, flags: isNew ? messageFlag.create : 0, fill };
}

function readElements({ payload }: Message) {
  const list = new Attributes(payload, 4).bytes(elementList.elements);
  // What is received next overwrites what the list is in.
  return list === undefined ? [] : keysIn(Buffer.from(list));
}

/** Those of an NFTA_SET_ELEM_LIST_ELEMENTS; one without a key is a set's catch-all. */
function keysIn(list: Buffer): { readonly key: Buffer; readonly counter: Counter | undefined }[] {
  return attributesOf(list).flatMap((element) => {
    const key = element.nested(elementAttribute.key)?.bytes(data.value);
    return key === undefined ? [] : [{ key, counter: counterOf(element) }];
  });
}

function counterOf(element: Attributes): Counter | undefined {
  const several = element.bytes(elementAttribute.expressions);
  const expressions = several === undefined ? [element.nested(elementAttribute.expression)] : attributesOf(several);
  const found = expressions.find((each) => each?.text(1) === 'counter')?.nested(2);
  const [bytes, packets] = [found?.u64be(1), found?.u64be(2)];
  return bytes === undefined || packets === undefined ? undefined : { bytes, packets };
}

/** struct nfgenmsg: family, version, resource id (u16 in the network's order). */
function header(family: NftFamilyName): Buffer {
  return Buffer.from([nftFamilies[family], 0, 0, 0]);
}

/** The resource id of a batch is its subsystem. */
const batchHeader = Buffer.from([0, 0, 0, subsystem]);
