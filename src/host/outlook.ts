/** How this host reaches the outside, and zones through it, by netlink: for `status` and `doctor`, who judge it. Changes nothing. */
import { type Address, type Family, families, parseAddress } from '../model/address.ts';
import * as netlink from '../netlink/index.ts';
import type { DefaultRoute, Link } from './port.ts';
import { tableName } from './route-numbers.ts';
import { dump } from './route-socket.ts';
import { NetlinkRoutes } from './rtnetlink.ts';

export interface Outlook {
  links(): Promise<Link[]>;
  /** By which links traffic to the outside leaves, whatever table says so. */
  waysOut(): Promise<Pick<DefaultRoute, 'family' | 'device'>[]>;
  addresses(): HostAddress[];
  /** Next hops of the default routes of the main table. */
  gateways(): Gateway[];
  /** Those that are asked before the main table, without the kernel's own; in their order. */
  earlyRules(family: Family): EarlyRule[];
  /** The kernel's own answer. */
  decide(question: ForwardedPacket): Way;
  close(): Promise<void>;
}

export interface HostAddress {
  readonly ifindex: number;
  readonly address: Address;
}

export interface Gateway {
  readonly family: Family;
  readonly ifindex: number;
  readonly address: Address;
  /** Did not answer when it was asked for last. */
  readonly isSilent: boolean;
}

export interface EarlyRule {
  readonly priority: number;
  /** What it asks for, as one types it after `ip rule add`: `from 10.75.0.0/16 lookup 100`. */
  readonly text: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly input: string | undefined;
  /** It looks at more than these, or its sense is turned round. */
  readonly isIntricate: boolean;
  /** The destinations that it decides about; `default` for all. */
  readonly destinations: readonly string[];
}

export interface ForwardedPacket {
  readonly source: Address;
  readonly destination: Address;
  /** The link by which it comes in. */
  readonly input: number;
}

/** `device`: by which link it leaves; undefined where it is dropped. */
export interface Way {
  readonly device: number | undefined;
  readonly isLocal: boolean;
}

/** NUD_INCOMPLETE and NUD_FAILED. */
const silent = 0x01 | 0x20;
const mainPriority = 32766;
/** FR_ACT_*. */
const actions: Readonly<Record<number, string>> = { 6: 'blackhole', 7: 'unreachable', 8: 'prohibit' };
const lookup = 1;

export class NetlinkOutlook implements Outlook {
  readonly #routes = new NetlinkRoutes();
  readonly #socket = new netlink.RequestSocket(netlink.protocol.route);

  links(): Promise<Link[]> {
    return this.#routes.links();
  }

  waysOut(): Promise<Pick<DefaultRoute, 'family' | 'device'>[]> {
    return this.#routes.waysOut();
  }

  addresses(): HostAddress[] {
    return families.flatMap((family) =>
      dump(this.#socket, 'addresses', netlink.listAddresses(family), netlink.readAddress).flatMap((each) => {
        const address = parseAddress(each.address ?? '');
        return each.family !== family || address === undefined ? [] : [{ ifindex: each.ifindex, address }];
      }),
    );
  }

  gateways(): Gateway[] {
    return families.flatMap((family) =>
      this.#table(family, netlink.routeTable.main).flatMap(({ destination, gateway, devices: [ifindex] }) => {
        const address = parseAddress(gateway ?? '');
        if (destination !== undefined || address === undefined || ifindex === undefined) return [];
        return [{ family, ifindex, address, isSilent: this.#isSilent(family, ifindex, address) }];
      }),
    );
  }

  earlyRules(family: Family): EarlyRule[] {
    return dump(this.#socket, 'policy rules', netlink.listRules(family), netlink.readRule)
      .filter((rule) => rule.family === family && rule.priority > 0 && rule.priority < mainPriority)
      .map((rule) => this.#early(rule));
  }

  decide({ source, destination, input }: ForwardedPacket): Way {
    try {
      const answers = this.#socket.ask(netlink.getRoute({ destination, source, input }));
      const [route] = answers.flatMap((message) => netlink.readRoute(message) ?? []);
      const isSent = route?.type === 'unicast';
      return { device: isSent ? route.devices[0] : undefined, isLocal: route?.type === 'local' };
    } catch (error) {
      if (error instanceof netlink.NetlinkError) return { device: undefined, isLocal: false };
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.#routes.close();
  }

  #early(rule: netlink.RuleMessage): EarlyRule {
    const { family, priority, from, to, input, output, mark, action, table, isInverted } = rule;
    const words = [
      ...(isInverted ? ['not'] : []),
      `from ${from ?? 'all'}`,
      ...(to === undefined ? [] : [`to ${to}`]),
      ...(input === undefined ? [] : [`iif ${input}`]),
      actions[action] ?? `lookup ${tableName(table)}`,
    ];
    const isIntricate = isInverted || output !== undefined || mark !== undefined;
    const destinations =
      action === lookup
        ? this.#table(family, table)
            .filter(({ type }) => type !== 'throw')
            .map(({ destination }) => destination ?? 'default')
        : ['default'];
    return { priority, text: words.join(' '), from, to, input, isIntricate, destinations };
  }

  #isSilent(family: Family, ifindex: number, address: Address): boolean {
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

  #table(family: Family, table: number): netlink.RouteMessage[] {
    const routes = dump(this.#socket, 'routes', netlink.listRoutes(family, { table }), netlink.readRoute);
    return routes.filter((route) => route.family === family && !route.isCached && route.table === table);
  }
}
