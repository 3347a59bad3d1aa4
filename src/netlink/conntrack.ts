/**
 * Tracked connections (include/uapi/linux/netfilter/nfnetlink_conntrack.h).
 *
 * Hazard: a deletion that names no connection deletes all of them, those of the other family too unless the header has
 * version 1. Here each deletion names one, by the tuple and the id that the kernel told.
 */
import { NetlinkError } from './errors.ts';
import { addressBytes, addressText } from './ip.ts';
import { addressFamily, protocol } from './protocol.ts';
import { Attributes, type Message } from './reader.ts';
import { type Request, RequestSocket } from './socket.ts';

/** NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_*. */
export const conntrackSubsystem = 1;
export const conntrackMessage = { get: 1, delete: 2 } as const;
/** CTA_*. */
const attribute = { original: 1, reply: 2, id: 12, zone: 18 } as const;
/** CTA_TUPLE_IP, CTA_TUPLE_PROTO; CTA_IP_V4_SRC and so on; CTA_PROTO_NUM and so on. */
const tuple = { ip: 1, transport: 2 } as const;
const ends = { ipv4: [1, 2], ipv6: [3, 4] } as const;
const transport = { number: 1, sourcePort: 2, destinationPort: 3 } as const;

export interface Connection {
  readonly family: 'ipv4' | 'ipv6';
  /** Source and destination of either direction. */
  readonly ends: readonly string[];
  /** IPPROTO_* and the ports of either direction, as far as it has any: what answers has them as its own. */
  readonly protocol: number | undefined;
  readonly original: Tuple;
  readonly reply: Tuple;
  /** What names it in a deletion. */
  readonly identity: Identity;
}

/** One direction. */
export interface Tuple {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number | undefined;
  readonly destinationPort: number | undefined;
}

interface Identity {
  readonly original: Buffer;
  readonly id: Buffer | undefined;
  readonly zone: Buffer | undefined;
}

/** Beyond that many, reading each message is faster than looking for their bytes in it. */
const mostSearched = 8;

export class ConntrackSocket {
  readonly #socket: RequestSocket;

  constructor() {
    this.#socket = new RequestSocket(protocol.netfilter);
  }

  /**
   * Those that name one of `addresses` at any end of either direction. One walk over the table, in pieces between
   * which the event loop turns; the kernel can look for an address itself, at one end in each walk (4 ms where the table is empty
   * and has 262,144 buckets, 100 ms with 200,000 entries), and nothing else goes on meanwhile.
   */
  naming(addresses: readonly string[]): Promise<Connection[]> {
    const wanted = new Set(addresses);
    const bytes = addresses.length > mostSearched ? [] : addresses.map(addressBytes);
    const read = (about: Message) => {
      // Most name none of them: their bytes are nowhere in the message.
      if (bytes.length > 0 && !bytes.some((each) => about.payload.includes(each))) return undefined;
      const connection = readConnection(about);
      return connection?.ends.some((end) => wanted.has(end)) === true ? connection : undefined;
    };
    return this.#dump(read);
  }

  /** Hands each of them on; nothing is kept. In pieces, as `naming`. */
  async visit(visitor: (message: Message) => void): Promise<void> {
    await this.#dump((message) => void visitor(message));
  }

  #dump<Item>(read: (message: Message) => Item | undefined): Promise<Item[]> {
    const fill: Request['fill'] = (writer) => void writer.raw(header('unspecified'));
    return this.#socket.dumpInPieces({ type: (conntrackSubsystem << 8) | conntrackMessage.get, fill }, read);
  }

  /** Returns how many of them were there. */
  delete(connections: readonly Connection[]): number {
    const outcomes = this.#socket.askEach(connections.map(deletion));
    const failed = outcomes.find((error) => error !== undefined && !NetlinkError.is(error, 'ENOENT'));
    if (failed !== undefined) throw failed;
    return outcomes.filter((error) => error === undefined).length;
  }

  close(): void {
    this.#socket.close();
  }
}

function deletion({ family, identity }: Connection): Request {
  const { original, id, zone } = identity;
  return {
    type: (conntrackSubsystem << 8) | conntrackMessage.delete,
    fill: (writer) => {
      writer.raw(header(family)).attribute(attribute.original | 0x8000, original);
      if (id !== undefined) writer.attribute(attribute.id, id);
      if (zone !== undefined) writer.attribute(attribute.zone, zone);
    },
  };
}

/** Undefined for one without a direction, which nothing can be done with. */
export function readConnection({ payload }: Message): Connection | undefined {
  const values = new Attributes(payload, 4);
  const family = payload[0] === addressFamily.ipv6 ? 'ipv6' : 'ipv4';
  const original = values.bytes(attribute.original);
  if (original === undefined || original.length === 0) return undefined;
  const there = tupleOf(values.nested(attribute.original), family);
  const back = tupleOf(values.nested(attribute.reply), family);
  return {
    family,
    protocol: there.protocol,
    original: there,
    reply: back,
    ends: [there.source, there.destination, back.source, back.destination].filter((end) => end !== ''),
    identity: {
      original: Buffer.from(original),
      id: copied(values.bytes(attribute.id)),
      zone: copied(values.bytes(attribute.zone)),
    },
  };
}

/** An address that is not told is empty. */
function tupleOf(values: Attributes | undefined, family: 'ipv4' | 'ipv6'): Tuple & { protocol: number | undefined } {
  const [addresses, ports] = [values?.nested(tuple.ip), values?.nested(tuple.transport)];
  const [source, destination] = ends[family].map((end) => {
    const bytes = addresses?.bytes(end);
    return bytes === undefined ? '' : addressText(bytes);
  });
  return {
    source: source ?? '',
    destination: destination ?? '',
    protocol: ports?.u8(transport.number),
    sourcePort: portIn(ports?.bytes(transport.sourcePort)),
    destinationPort: portIn(ports?.bytes(transport.destinationPort)),
  };
}

function portIn(bytes: Buffer | undefined): number | undefined {
  return bytes === undefined || bytes.length < 2 ? undefined : bytes.readUInt16BE();
}

/** What is kept longer than the buffer of the dump. */
function copied(bytes: Buffer | undefined): Buffer | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes);
}

/** Version 1 makes the kernel respect the family. */
function header(family: keyof typeof addressFamily): Buffer {
  return Buffer.from([addressFamily[family], 1, 0, 0]);
}
