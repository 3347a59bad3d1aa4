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
const subsystem = 1;
const message = { get: 1, delete: 2 } as const;
/** CTA_*. */
const attribute = { original: 1, reply: 2, id: 12, zone: 18 } as const;
/** CTA_TUPLE_IP; CTA_IP_V4_SRC and so on. */
const tupleIp = 1;
const ends = { ipv4: [1, 2], ipv6: [3, 4] } as const;

export interface Connection {
  readonly family: 'ipv4' | 'ipv6';
  /** Source and destination of either direction. */
  readonly ends: readonly string[];
  /** What names it in a deletion. */
  readonly identity: Identity;
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
    const fill: Request['fill'] = (writer) => void writer.raw(header('unspecified'));
    return this.#socket.dumpInPieces({ type: (subsystem << 8) | message.get, fill }, read);
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
    type: (subsystem << 8) | message.delete,
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
  return {
    family,
    ends: [attribute.original, attribute.reply].flatMap((way) => endsOf(values.nested(way)?.nested(tupleIp), family)),
    identity: {
      original: Buffer.from(original),
      id: copied(values.bytes(attribute.id)),
      zone: copied(values.bytes(attribute.zone)),
    },
  };
}

function endsOf(addresses: Attributes | undefined, family: 'ipv4' | 'ipv6'): string[] {
  return ends[family].flatMap((end) => {
    const bytes = addresses?.bytes(end);
    return bytes === undefined ? [] : [addressText(bytes)];
  });
}

/** What is kept longer than the buffer of the dump. */
function copied(bytes: Buffer | undefined): Buffer | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes);
}

/** Version 1 makes the kernel respect the family. */
function header(family: keyof typeof addressFamily): Buffer {
  return Buffer.from([addressFamily[family], 1, 0, 0]);
}
