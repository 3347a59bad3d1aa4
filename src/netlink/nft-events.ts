/**
 * What the kernel tells of changes to nftables, and of traced packets. A transaction's objects come first, its generation
 * last; all of them carry the port of the socket that made it.
 */
import { addressText } from './ip.ts';
import { keysIn, type NftFamilyName, nftFamilies, nftMessage, subsystem } from './nftables.ts';
import { Attributes, type Message, required } from './reader.ts';

/** NFNLGRP_NFTABLES, NFNLGRP_NFTRACE. */
export const nftGroup = { changes: 7, traces: 9 } as const;

export type NftObjectKind = 'table' | 'chain' | 'rule' | 'set' | 'element' | 'object' | 'flowtable';

export interface NftObjectEvent {
  readonly kind: 'object';
  readonly what: NftObjectKind;
  readonly isDeleted: boolean;
  /** Of the socket that made the change. */
  readonly port: number;
  /** `ip`, `inet` …, or the number of one that is not known here. */
  readonly family: NftFamilyName | `family ${number}`;
  readonly table: string;
  /** The chain's, set's or object's own, the chain of a rule, the set of an element. */
  readonly name: string | undefined;
  /** A rule's. */
  readonly handle: number | undefined;
  /** An element's. Throws `GarbledMessage`. */
  readonly keys: () => readonly Buffer[];
}

export interface NftGeneration {
  readonly kind: 'generation';
  readonly port: number;
  readonly id: number;
  /** The thread that made the change, as the initial process namespace numbers it, and its name of at most 15 characters. */
  readonly thread: number | undefined;
  readonly process: string | undefined;
}

export interface NftTrace {
  readonly kind: 'trace';
  readonly family: NftFamilyName | `family ${number}`;
  readonly table: string;
  readonly chain: string;
  /** The packet's, while it is in the host. */
  readonly id: number;
  /** Of the rule that was met; undefined where the chain's end or policy spoke. */
  readonly handle: number | undefined;
  /** `continue` stands for whatever lets the packet go on, by jumps and returns, or to a queue. */
  readonly verdict: 'accept' | 'drop' | 'continue';
  /** Ifindex of the link it came by. */
  readonly input: number | undefined;
  /** Told once for each packet. */
  readonly packet: { readonly source: string; readonly destination: string } | undefined;
}

/** By NFT_MSG_*: what it is of, and whether it is gone. NFT_MSG_DESTROY* are asked for and never told. */
const objects: Readonly<Record<number, readonly [what: NftObjectKind, isDeleted: boolean]>> = {
  0: ['table', false],
  2: ['table', true],
  3: ['chain', false],
  5: ['chain', true],
  6: ['rule', false],
  8: ['rule', true],
  9: ['set', false],
  11: ['set', true],
  12: ['element', false],
  14: ['element', true],
  18: ['object', false],
  20: ['object', true],
  22: ['flowtable', false],
  24: ['flowtable', true],
};
/** NFT_MSG_TRACE. */
const trace = 17;
/** Which attribute has the name: NFTA_CHAIN_NAME is 3, those of the others 2; a rule's chain and an element's set as well. */
const nameAttribute: Readonly<Record<NftObjectKind, number | undefined>> = {
  table: undefined,
  chain: 3,
  rule: 2,
  set: 2,
  element: 2,
  object: 2,
  flowtable: 2,
};
const familyNames = new Map<number, NftFamilyName>(
  Object.entries(nftFamilies).map(([name, number]) => [number, name as NftFamilyName]),
);

/** Undefined for a message of another subsystem, or of a kind that came with a newer kernel. Throws `GarbledMessage`. */
export function readNftEvent({ type, port, payload }: Message): NftObjectEvent | NftGeneration | NftTrace | undefined {
  if (type >> 8 !== subsystem) return undefined;
  const number = type & 0xff;
  const values = new Attributes(payload, 4);
  if (number === nftMessage.newGeneration) {
    const id = required(values.u32be(1), 'its generation');
    return { kind: 'generation', port, id, thread: values.u32be(2), process: values.text(3) };
  }
  const family = familyNames.get(payload[0] ?? 0) ?? (`family ${payload[0] ?? 0}` as const);
  if (number === trace) return readTrace(values, family);
  const object = objects[number];
  if (object === undefined) return undefined;
  const [what, isDeleted] = object;
  const named = nameAttribute[what];
  const elements = what === 'element' ? values.bytes(3) : undefined;
  const handle = what === 'rule' ? values.u64be(3) : undefined;
  return {
    kind: 'object',
    what,
    isDeleted,
    port,
    family,
    table: required(values.text(1), 'its table'),
    name: named === undefined ? undefined : values.text(named),
    handle: handle === undefined ? undefined : Number(handle),
    keys: () => (elements === undefined ? [] : keysIn(elements).map(({ key }) => key)),
  };
}

/** NFTA_TRACE_TABLE 1, _CHAIN 2, _RULE_HANDLE 3, _VERDICT 5, _ID 6, _NETWORK_HEADER 8, _IIF 10, _POLICY 16; NFTA_VERDICT_CODE 1. */
function readTrace(values: Attributes, family: NftTrace['family']): NftTrace {
  const header = values.bytes(8);
  const handle = values.u64be(3);
  const code = values.u32be(16) ?? values.nested(5)?.u32be(1);
  return {
    kind: 'trace',
    family,
    table: values.text(1) ?? '',
    chain: values.text(2) ?? '',
    id: values.u32be(6) ?? 0,
    handle: handle === undefined ? undefined : Number(handle),
    verdict: verdictOf(code),
    input: values.u32be(10),
    packet: header === undefined ? undefined : addressesIn(header),
  };
}

/** NF_DROP is 0, with an errno in its upper half or without, and NF_ACCEPT 1; nftables' own are negative. */
function verdictOf(code: number | undefined): NftTrace['verdict'] {
  if (code === undefined || code > 0x7fffffff) return 'continue';
  return code === 1 ? 'accept' : (code & 0xff) === 0 ? 'drop' : 'continue';
}

function addressesIn(header: Buffer): NftTrace['packet'] {
  const version = (header[0] ?? 0) >> 4;
  const [source, destination, end] = version === 4 ? [12, 16, 20] : [8, 24, 40];
  if ((version !== 4 && version !== 6) || header.length < end) return undefined;
  return {
    source: addressText(header.subarray(source, destination)),
    destination: addressText(header.subarray(destination, end)),
  };
}
