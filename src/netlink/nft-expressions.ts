/** Expressions of nftables' rules (include/uapi/linux/netfilter/nf_tables.h), as far as a rule is made of them here. */
import { Attributes, attributes } from './reader.ts';
import type { Writer } from './writer.ts';

/** NFTA_LIST_ELEM, and NFTA_DATA_*. */
export const listElement = 1;
export const dataAttribute = { value: 1, verdict: 2 } as const;
const data = dataAttribute;
/** IFNAMSIZ. */
export const interfaceNameSize = 16;

/** Writes NFTA_EXPR_NAME and NFTA_EXPR_DATA. */
export type Expression = (writer: Writer) => void;

/** `meta iifname NAME` or `meta oifname NAME`: NFT_META_IIFNAME is 6, NFT_META_OIFNAME 7, NFT_REG_1 1, NFT_CMP_EQ 0. */
export function interfaceIs(key: 'iifname' | 'oifname', name: string): Expression[] {
  const value = interfaceName(name);
  return [
    expression('meta', (writer) => writer.u32be(1, 1).u32be(2, key === 'iifname' ? 6 : 7)),
    expression('cmp', (writer) =>
      writer
        .u32be(1, 1)
        .u32be(2, 0)
        .nested(3, (w) => w.attribute(data.value, value)),
    ),
  ];
}

export const counter: Expression = expression('counter', (writer) => writer.u64be(1, 0n).u64be(2, 0n));

/** An immediate to the verdict register (0) of NF_ACCEPT. */
export const accept: Expression = expression('immediate', (writer) =>
  writer.u32be(1, 0).nested(2, (w) => w.nested(data.verdict, (verdict) => verdict.u32be(1, 1))),
);

function expression(name: string, fill: (writer: Writer) => unknown): Expression {
  return (writer) => void writer.text(1, name).nested(2, (inner) => void fill(inner));
}

/** Throws `RangeError` for a name that no link can have. */
export function interfaceName(name: string): Uint8Array {
  const bytes = Buffer.alloc(interfaceNameSize);
  if (Buffer.byteLength(name) >= interfaceNameSize) throw new RangeError(`${name} is longer than a link's name can be`);
  bytes.write(name);
  return bytes;
}

/** Each of a list of NFTA_LIST_ELEM. */
export function attributesOf(list: Buffer): Attributes[] {
  return attributes(list).map(([, value]) => new Attributes(value));
}
