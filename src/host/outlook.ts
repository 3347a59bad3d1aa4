/** How this host reaches the outside, and zones through it, by netlink: for `status` and `doctor`, who judge it. Changes nothing. */
import { type Address, type Family, families, familyOf, parseAddress } from '../model/address.ts';
import * as netlink from '../netlink/index.ts';
import type { Link } from './port.ts';
import { transportNumber } from './route-numbers.ts';
import { dump } from './route-socket.ts';
import { askRoute, type KernelDecision, type RoutingTables, readEarly } from './routing-tables.ts';
import { NetlinkRoutes } from './rtnetlink.ts';
import { type NextHop, readWaysOut, type WaysOut } from './ways-out.ts';

export interface Outlook {
  links(): Promise<Link[]>;
  waysOut(): Pick<WaysOut, 'devices'> & { readonly gateways: readonly Gateway[] };
  addresses(): HostAddress[];
  /** See `readEarly`. `links`: for their names. */
  early(family: Family, links: readonly Link[]): RoutingTables;
  decide(question: ForwardedPacket): KernelDecision;
  close(): Promise<void>;
}

export interface HostAddress {
  readonly ifindex: number;
  readonly address: Address;
}

export interface Gateway extends NextHop {
  /** Did not answer when it was asked for last. */
  readonly isSilent: boolean;
}

export interface ForwardedPacket {
  readonly source: Address;
  readonly destination: Address;
  /** The link by which it comes in. */
  readonly input: number;
  /** Policy rules may ask for them. */
  readonly transport?: 'icmp' | 'tcp' | 'udp' | undefined;
  readonly sourcePort?: number | undefined;
  readonly destinationPort?: number | undefined;
}

/** NUD_INCOMPLETE and NUD_FAILED. */
const silent = 0x01 | 0x20;

export class NetlinkOutlook implements Outlook {
  readonly #routes = new NetlinkRoutes();
  readonly #socket = new netlink.RequestSocket(netlink.protocol.route);

  links(): Promise<Link[]> {
    return this.#routes.links();
  }

  waysOut(): ReturnType<Outlook['waysOut']> {
    const { devices, gateways } = readWaysOut(this.#socket);
    return { devices, gateways: gateways.map((hop) => ({ ...hop, isSilent: this.#isSilent(hop) })) };
  }

  addresses(): HostAddress[] {
    return families.flatMap((family) =>
      dump(this.#socket, 'addresses', netlink.listAddresses(family), netlink.readAddress).flatMap((each) => {
        const address = parseAddress(each.address ?? '');
        return each.family !== family || address === undefined ? [] : [{ ifindex: each.ifindex, address }];
      }),
    );
  }

  early(family: Family, links: readonly Link[]): RoutingTables {
    return readEarly(this.#socket, family, new Map(links.map(({ ifindex, name }) => [ifindex, name])));
  }

  decide({ transport, ...packet }: ForwardedPacket): KernelDecision {
    const number = transport && transportNumber(transport, familyOf(packet.destination));
    return askRoute(this.#socket, { ...packet, transport: number });
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.#routes.close();
  }

  #isSilent({ family, ifindex, address }: NextHop): boolean {
    const entries = dump(
      this.#socket,
      'neighbours',
      netlink.listNeighbours(family, 'resolved', ifindex),
      netlink.readNeighbour,
    );
    return entries.some((entry) => {
      return !entry.isProxy && entry.ifindex === ifindex && entry.address === address && (entry.state & silent) !== 0;
    });
  }
}
