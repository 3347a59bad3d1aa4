/**
 * nftables' sets and rules, in one transaction each (include/uapi/linux/netfilter/nf_tables.h). What nft cannot read back is not made:
 * nothing here carries user data.
 *
 * Hazards: acknowledgements come once the whole batch was committed or given up, in the latter case with an error besides
 * (nfnetlink_rcv_batch of Linux); the batch's end has one of its own only since Linux 6.10, so the last change asks for one. One
 * deletion of what is not there fails all; a transaction that changes nothing makes no event and no generation.
 */
import { NetlinkError } from './errors.ts';
import { type Element, type NewElement, readElements, writeElement } from './nft-elements.ts';
import { type Expression, listElement } from './nft-expressions.ts';
import { messageFlag, messageType, protocol } from './protocol.ts';
import { Attributes, type Message, required } from './reader.ts';
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
export const ruleAttribute = { table: 1, chain: 2, handle: 3, expressions: 4, position: 6 } as const;
/** NFTA_SET_ELEM_LIST_*. */
export const elementList = { table: 1, set: 2, elements: 3 } as const;
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
  readonly elements: readonly NewElement[];
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

  /** Throws `ENOENT` where there is no such set. */
  elements(at: SetAt): Element[] {
    const fill = (writer: Writer) =>
      void writer.raw(header(at.family)).text(elementList.table, at.table).text(elementList.set, at.set);
    const type = (subsystem << 8) | nftMessage.getElement;
    return this.#socket.dump({ type, fill }, elementsIn).flat();
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
      for (let start = 0; start < change.elements.length; start += elementsPerMessage) {
        parts.push(elementsPart(change, change.elements.slice(start, start + elementsPerMessage)));
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

function elementsPart(
  { kind, family, table, set, counted = false }: ElementChange,
  elements: readonly NewElement[],
): Part {
  const isNew = kind === 'add-elements';
  const fill = (w: Writer) => {
    w.raw(header(family)).text(elementList.table, table).text(elementList.set, set);
    w.nested(elementList.elements, (list) => {
      for (const each of elements) writeElement(list, each, isNew && counted);
    });
  };
  const message = isNew ? nftMessage.newElement : nftMessage.deleteElement;
  return { type: (subsystem << 8) | message, flags: isNew ? messageFlag.create : 0, fill };
}

function elementsIn({ payload }: Message): Element[] {
  const list = new Attributes(payload, 4).bytes(elementList.elements);
  // What is received next overwrites what the list is in.
  return list === undefined ? [] : readElements(Buffer.from(list));
}

/** struct nfgenmsg: family, version, resource id (u16 in the network's order). */
function header(family: NftFamilyName): Buffer {
  return Buffer.from([nftFamilies[family], 0, 0, 0]);
}

/** The resource id of a batch is its subsystem. */
const batchHeader = Buffer.from([0, 0, 0, subsystem]);
