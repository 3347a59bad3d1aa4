import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readConnection } from '../../../src/netlink/conntrack.ts';
import { GarbledMessage } from '../../../src/netlink/errors.ts';
import { addressBytes, addressText } from '../../../src/netlink/ip.ts';
import { readLink } from '../../../src/netlink/link.ts';
import { readAddress, readNeighbour, readNetconf } from '../../../src/netlink/neighbour.ts';
import { elementKey } from '../../../src/netlink/nft-elements.ts';
import { readNftEvent } from '../../../src/netlink/nft-events.ts';

import { readQdisc, setTokenBucket } from '../../../src/netlink/qdisc.ts';
import { Attributes, attributes, type Message, readMessages } from '../../../src/netlink/reader.ts';
import { addRoute, readRoute } from '../../../src/netlink/route.ts';
import { readRule } from '../../../src/netlink/rule.ts';
import { refusalIn } from '../../../src/netlink/socket.ts';
import { readFlow } from '../../../src/netlink/tracked-flow.ts';
import { Writer } from '../../../src/netlink/writer.ts';

type Tree = { readonly type: number; readonly value: Uint8Array | readonly Tree[] };
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.record({
    type: fc.integer({ min: 0, max: 0x3fff }),
    value: fc.oneof({ maxDepth: 3 }, fc.uint8Array({ maxLength: 80 }), fc.array(tie('tree'), { maxLength: 4 })),
  }),
}));

const message = (payload: Buffer, type = 0, flags = 0): Message => ({ type, flags, sequence: 1, port: 0, payload });
/** Every decoder that takes what a kernel says. */
const readers: Readonly<Record<string, (payload: Buffer) => unknown>> = {
  messages: readMessages,
  attributes,
  link: (payload) => readLink(message(payload)),
  route: (payload) => readRoute(message(payload)),
  rule: (payload) => readRule(message(payload)),
  qdisc: (payload) => readQdisc(message(payload)),
  neighbour: (payload) => readNeighbour(message(payload)),
  address: (payload) => readAddress(message(payload)),
  netconf: (payload) => readNetconf(message(payload)),
  connection: (payload) => readConnection(message(payload)),
  flow: (payload) => readFlow(message(payload)),
  refusal: (payload) => refusalIn(message(payload, 2, 0x300)),
  'end of a dump': (payload) => refusalIn(message(payload, 3, 0x200)),
  'nftables event': (payload) => readNftEvent(message(payload, 0xa00 | ((payload.at(-1) ?? 0) % 32))),
};

describe('what was written', () => {
  it('is read again', () => {
    fc.assert(
      fc.property(fc.array(fc.array(tree, { maxLength: 5 }), { maxLength: 5 }), (messages) => {
        const writer = new Writer(16);
        for (const [sequence, trees] of messages.entries()) {
          writer.message({ type: 7, flags: 0x400, sequence }, (w) => writeTrees(w, trees));
        }
        const read = readMessages(writer.bytes);
        expect(read.map(({ type, flags, sequence }) => ({ type, flags, sequence }))).toEqual(
          messages.map((_, sequence) => ({ type: 7, flags: 0x401, sequence })),
        );
        for (const [place, trees] of messages.entries()) requireTrees(read[place]?.payload, trees);
      }),
    );
  });

  // The buffer grows in the middle of one of them.
  it.each(Array.from({ length: 100 }, (_, size) => size))(
    'holds numbers and names as the kernel has them (%d)',
    (size) => {
      const bytes = new Writer(size).message({ type: 1, sequence: 1 }, (w) =>
        w.u32(1, 0xfffffffe).u32be(2, 258).u64be(4, 5n).u8(5, 6).text(6, 'vif7.0').address(7, '10.75.0.3'),
      ).bytes;
      const values = new Attributes(readMessages(bytes)[0]?.payload ?? Buffer.alloc(0));
      expect([values.u32(1), values.i32(1), values.u32be(2), values.u64be(4), values.u8(5)]).toEqual([
        0xfffffffe,
        -2,
        258,
        5n,
        6,
      ]);
      expect([values.text(6), values.bytes(7)]).toEqual(['vif7.0', Buffer.from([10, 75, 0, 3])]);
    },
  );

  it('is refused where an attribute would be longer than its length can say', () => {
    const write = (fill: (writer: Writer) => unknown) => () =>
      new Writer().message({ type: 1, sequence: 1 }, (w) => void fill(w));
    expect(write((w) => w.attribute(1, new Uint8Array(65_532)))).toThrow(RangeError);
    expect(write((w) => w.attribute(1, new Uint8Array(65_531)))).not.toThrow();
    const twice = (w: Writer) => w.attribute(1, new Uint8Array(40_000)).attribute(1, new Uint8Array(40_000));
    expect(write((w) => w.nested(1, twice))).toThrow(RangeError);
  });
});

describe.each(Object.entries(readers))('any bytes as %s', (_, read) => {
  const requireValueOrGarbled = (bytes: Uint8Array) => {
    try {
      read(Buffer.from(bytes));
    } catch (error) {
      if (!(error instanceof GarbledMessage)) throw error;
    }
  };

  it('give a value or say that they are garbled', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), requireValueOrGarbled), { numRuns: 500 });
  });

  it('do so too where they are nearly a message', () => {
    const place = fc.tuple(fc.nat({ max: 399 }), fc.integer({ min: 0, max: 255 }));
    const nearly = fc.tuple(fc.array(tree, { maxLength: 6 }), fc.array(place, { maxLength: 4 }), fc.nat({ max: 16 }));
    fc.assert(
      fc.property(nearly, ([trees, places, headerSize]) => {
        const writer = new Writer();
        writer.message({ type: 1, sequence: 1 }, (w) => {
          w.raw(new Uint8Array(headerSize & ~3));
          writeTrees(w, trees);
        });
        const bytes = Buffer.from(writer.bytes.subarray(16));
        for (const [at, value] of places) if (at < bytes.length) bytes[at] = value;
        requireValueOrGarbled(bytes);
      }),
      { numRuns: 500 },
    );
  });
});

describe('an address', () => {
  it('is the same text after it was bytes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        const text = addressText(Buffer.from(addressBytes(address)));
        expect(addressBytes(text)).toEqual(addressBytes(address));
        expect(addressText(Buffer.from(addressBytes(text)))).toBe(text);
      }),
    );
  });

  it.each([
    ['FD00:0:0:1::', 'fd00:0:0:1::'],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0:3:0:5:0:7:0', '2001:0:3:0:5:0:7:0'],
  ])('%s is written as inet_ntop does', (address, text) => {
    expect(addressText(Buffer.from(addressBytes(address)))).toBe(text);
  });

  it.each(['fe80::1%eth0', '010.0.0.1', '1.2.3', ''])('%s is none', (text) => {
    expect(() => addressBytes(text)).toThrow(TypeError);
  });
});

it('a key has each part in whole words, the name of a link in 16 bytes', () => {
  const name = [...Buffer.from('vif7.0'), ...Array(10).fill(0)];
  expect([...elementKey(['vif7.0', addressBytes('10.75.0.3')])]).toEqual([...name, 10, 75, 0, 3]);
  expect([...elementKey([Uint8Array.of(1), Uint8Array.of(2)])]).toEqual([1, 0, 0, 0, 2, 0, 0, 0]);
  expect(() => elementKey(['a-name-of-16-byte'])).toThrow(RangeError);
});

it('a route that was asked for reads as it was asked for', () => {
  const change = { type: 'blackhole', destination: 'fdd4::3', table: 1000, protocol: 75, priority: 7 } as const;
  const request = addRoute(change, 'exclusive');
  const [read] = readMessages(new Writer().message({ ...request, sequence: 1 }, request.fill).bytes);
  expect(read === undefined ? undefined : readRoute(read)).toMatchObject({ ...change, devices: [], isCached: false });
});

it.each([12_500, 25_000_000, 0xffff_ffff, 12_500_000_000])(
  'a token bucket of %d bytes a second is read back',
  (bytesPerSecond) => {
    const request = setTokenBucket({ ifindex: 7, major: 0x75, bytesPerSecond, burst: 70_000, limit: 90_000 });
    const [read] = readMessages(new Writer().message({ ...request, sequence: 1 }, request.fill).bytes);
    const told = { ifindex: 7, kind: 'tbf', major: 0x75, isRoot: true, bytesPerSecond };
    expect(read === undefined ? undefined : readQdisc(read)).toEqual(told);
  },
);

function writeTrees(writer: Writer, trees: readonly Tree[]): void {
  for (const { type, value } of trees) {
    if (value instanceof Uint8Array) writer.attribute(type, value);
    else writer.nested(type, (inner) => writeTrees(inner, value));
  }
}

function requireTrees(payload: Buffer | undefined, trees: readonly Tree[]): void {
  const read = attributes(payload ?? Buffer.alloc(0));
  expect(read.map(([type]) => type)).toEqual(trees.map(({ type }) => type));
  for (const [place, { value }] of trees.entries()) {
    const bytes = read[place]?.[1];
    if (value instanceof Uint8Array) expect(bytes).toEqual(Buffer.from(value));
    else requireTrees(bytes, value);
  }
}
