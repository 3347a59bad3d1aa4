/**
 * What the kernel tells of changes to nftables, and of traced packets. A transaction's objects come first, its generation
 * last; all of them carry the port of the socket that made it.
 */
import { addressText } from './ip.ts';
import { type Element, readElements } from './nft-elements.ts';
import { elementList, type NftFamilyName, nftFamilies, nftMessage, ruleAttribute, subsystem } from './nftables.ts';
import { Attributes, type Message, required } from './reader.ts';

/** NFNLGRP_NFTABLES, NFNLGRP_NFTRACE. */
export const nftGroup = { changes: 7, traces: 9 } as const;

/** Something in a table was made or deleted. */
export interface NftObjectEvent {
  readonly kind: 'object';
  /** `ip`, `inet` …, or the number of one that is not known here. */
  readonly family: NftFamilyName | `family ${number}`;
  readonly table: string;
  /** Undefined for whatever else happened. */
  readonly removal: NftRemoval | undefined;
}

/** Elements of a set, or a rule by its handle, that are gone. */
export type NftRemoval =
  | { readonly kind: 'elements'; readonly set: string; readonly elements: readonly Element[] }
  | { readonly kind: 'rule'; readonly chain: string; readonly handle: number };

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
  /** From the link layer's on, as far as the kernel copies them (20, 40 and 20 bytes); told once in each base chain. */
  readonly headers: Buffer | undefined;
  /** Ifindex of the link it came by. */
  readonly input: number | undefined;
  /** Told once for each packet. */
  readonly packet:
    | {
        readonly source: string;
        readonly destination: string;
        /** IPPROTO_*, as the IP header has it. */
        readonly protocol: number;
        /** Of TCP and UDP. */
        readonly port: number | undefined;
      }
    | undefined;
}

/** NFT_MSG_TRACE. */
const trace = 17;
const familyNames = new Map<number, NftFamilyName>(
  Object.entries(nftFamilies).map(([name, number]) => [number, name as NftFamilyName]),
);

/** Undefined for a message of another subsystem, or about no table. Throws `GarbledMessage`. */
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
  // Whatever it is of has its table's name first.
  const table = values.text(1);
  return table === undefined ? undefined : { kind: 'object', family, table, removal: removalIn(number, values) };
}

function removalIn(number: number, values: Attributes): NftRemoval | undefined {
  if (number === nftMessage.deleteElement) {
    const [set, list] = [values.text(elementList.set), values.bytes(elementList.elements)];
    return set === undefined || list === undefined
      ? undefined
      : { kind: 'elements', set, elements: readElements(list) };
  }
  if (number !== nftMessage.deleteRule) return undefined;
  const [chain, handle] = [values.text(ruleAttribute.chain), values.u64be(ruleAttribute.handle)];
  return chain === undefined || handle === undefined ? undefined : { kind: 'rule', chain, handle: Number(handle) };
}

/** NFTA_TRACE_TABLE 1, _CHAIN 2, _RULE_HANDLE 3, _VERDICT 5, _ID 6, _LL_HEADER 7, _NETWORK_HEADER 8, _TRANSPORT_HEADER 9, _IIF 10, _POLICY 16; NFTA_VERDICT_CODE 1. */
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
    headers: header && Buffer.concat([values.bytes(7), header, values.bytes(9)].filter((part) => part !== undefined)),
    input: values.u32be(10),
    packet: header === undefined ? undefined : packetIn(header, values.bytes(9)),
  };
}

/** NF_DROP is 0, with an errno in its upper half or without, and NF_ACCEPT 1; nftables' own are negative. */
function verdictOf(code: number | undefined): NftTrace['verdict'] {
  if (code === undefined || code > 0x7fffffff) return 'continue';
  return code === 1 ? 'accept' : (code & 0xff) === 0 ? 'drop' : 'continue';
}

function packetIn(header: Buffer, transport: Buffer | undefined): NftTrace['packet'] {
  const version = (header[0] ?? 0) >> 4;
  const [source, destination, end, next] = version === 4 ? [12, 16, 20, 9] : [8, 24, 40, 6];
  if ((version !== 4 && version !== 6) || header.length < end) return undefined;
  const protocol = header.readUInt8(next);
  const hasPorts = (protocol === 6 || protocol === 17) && transport !== undefined && transport.length >= 4;
  return {
    source: addressText(header.subarray(source, destination)),
    destination: addressText(header.subarray(destination, end)),
    protocol,
    port: hasPorts ? transport.readUInt16BE(2) : undefined,
  };
}
