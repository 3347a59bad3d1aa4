/** What comes from a netlink socket: the kernel's own messages, and those about what a zone's link made it say. */
import * as netlink from '../../../src/netlink/index.ts';
import { readMessages } from '../../../src/netlink/reader.ts';
import { refusalIn } from '../../../src/netlink/socket.ts';
import { Writer } from '../../../src/netlink/writer.ts';
import { mutateBytes } from '../mutate-bytes.ts';
import { outcomeOf, type Target } from '../target.ts';

const readers: readonly ((message: netlink.Message) => unknown)[] = [
  netlink.readLink,
  netlink.readRoute,
  netlink.readQdisc,
  netlink.readRule,
  netlink.readNeighbour,
  netlink.readAddress,
  netlink.readNetconf,
  netlink.readNftEvent,
  netlink.readConnection,
  netlink.readFlow,
  refusalIn,
];

export function netlinkMessages(): Target {
  return {
    name: 'netlink-messages',
    mutate: mutateBytes(64 * 1024),
    seeds: [
      netlink.addRoute({ type: 'throw', destination: '10.75.0.3', table: 254, protocol: 75, device: 7 }, 'append'),
      netlink.addProxy({ ifindex: 7, address: 'fdd4:1476:6c7e::1', protocol: 75 }),
      netlink.listLinks(),
    ].map((request) => Buffer.from(new Writer().message({ ...request, sequence: 7 }, request.fill).bytes)),
    // A byte of an address or name becomes a few of text; nine readers see each.
    outputBound: (bytes) => 64 * 1024 + 300 * bytes,
    feed: (input) => {
      const read = messagesIn(input).map((message) => readers.map((reader) => orGarbled(() => reader(message))));
      const kinds = read.map((values) => values.map((value) => (value === undefined ? '-' : typeof value)).join(''));
      return outcomeOf([...new Set(kinds)].join(), read);
    },
  };
}

/** None where they are garbled. */
function messagesIn(input: Buffer): readonly netlink.Message[] {
  const read = orGarbled(() => readMessages(input));
  return Array.isArray(read) ? read : [];
}

function orGarbled(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    if (error instanceof netlink.GarbledMessage) return error.message;
    throw error;
  }
}
