/** Turns what the kernel tells of links, addresses, routes and their settings into the port's events. */
import * as netlink from '../netlink/index.ts';
import { Losses } from './losses.ts';
import type { HostEvent } from './port.ts';
import { protocolName } from './route-numbers.ts';
import { askKernel, listLinks, namesOf } from './route-socket.ts';
import { toLink } from './route-words.ts';
import { shaperIn } from './shaper.ts';

const groups = Object.values(netlink.routeGroup);
/** RP filter's strict mode. */
const strict = 1;

type Event = HostEvent | undefined;

export class RouteEvents {
  readonly #listener: (event: HostEvent) => void;
  readonly #socket: netlink.EventSocket;
  #names = new Map<number, string>();
  readonly #losses: Losses;

  /** Hears what happens after this returns. */
  constructor(listener: (event: HostEvent) => void) {
    this.#listener = listener;
    this.#losses = new Losses((reason) => {
      this.#readNames();
      listener({ kind: 'lost', reason: `route events: ${reason}` });
    });
    this.#socket = new netlink.EventSocket(netlink.protocol.route, groups, {
      heard: (message) => {
        const event = this.#read(message);
        if (event !== undefined) this.#listener(event);
      },
      lost: (reason) => this.#losses.add(reason),
    });
    this.#readNames();
  }

  close(): void {
    this.#losses.close();
    this.#socket.close();
  }

  /** Links that are there already: later events name them by their index. */
  #readNames(): void {
    this.#names = namesOf(askKernel(listLinks));
  }

  #read(message: netlink.Message): Event {
    switch (message.type) {
      case netlink.linkType.new:
      case netlink.linkType.delete:
        return this.#link(message);
      case netlink.routeMessage.new:
      case netlink.routeMessage.delete:
        return this.#route(message);
      case netlink.addressMessage.new:
      case netlink.addressMessage.delete:
        return this.#address(message);
      case netlink.netconfMessage.new:
        return this.#netconf(message);
      case netlink.qdiscMessage.new:
      case netlink.qdiscMessage.delete:
        return shaperEvent(message);
      default:
        return undefined;
    }
  }

  #link(message: netlink.Message): Event {
    const link = netlink.readLink(message);
    if (link === undefined) return undefined;
    const deleted = message.type === netlink.linkType.delete;
    const { ifindex, name } = link;
    if (deleted) this.#names.delete(ifindex);
    else this.#names.set(ifindex, name);
    return { kind: 'link', link: toLink(link, (index) => this.#names.get(index)), deleted };
  }

  #route(message: netlink.Message): Event {
    const route = netlink.readRoute(message);
    if (route === undefined || route.isCached) return undefined;
    const [device, ...others] = route.devices;
    return {
      kind: 'route',
      family: route.family,
      destination: route.destination ?? 'default',
      device: device === undefined || others.length > 0 ? undefined : this.nameOf(device),
      protocol: protocolName(route.protocol),
      deleted: message.type === netlink.routeMessage.delete,
    };
  }

  #address(message: netlink.Message): Event {
    const address = netlink.readAddress(message);
    const deleted = message.type === netlink.addressMessage.delete;
    return address === undefined ? undefined : { kind: 'address', ifindex: address.ifindex, deleted };
  }

  #netconf(message: netlink.Message): Event {
    const settings = netlink.readNetconf(message);
    if (settings === undefined) return undefined;
    const { family, ifindex, forwarding, reversePathFilter, proxiesNeighbours } = settings;
    return {
      kind: 'netconf',
      family,
      link: typeof ifindex === 'string' ? ifindex : this.nameOf(ifindex),
      forwarding: optionally(forwarding, (value) => value !== 0),
      strictReversePath: optionally(reversePathFilter, (value) => value === strict),
      proxiesNeighbours: optionally(proxiesNeighbours, (value) => value !== 0),
    };
  }

  /** A link that is not known any more is named as iproute2 does. */
  nameOf(ifindex: number): string {
    return this.#names.get(ifindex) ?? `if${ifindex}`;
  }
}

/** Of what is deleted, the kernel tells ahead of what replaces it. */
function shaperEvent(message: netlink.Message): Event {
  const qdisc = netlink.readQdisc(message);
  if (!qdisc.isRoot) return undefined;
  const isDeleted = message.type === netlink.qdiscMessage.delete;
  return { kind: 'shaper', ifindex: qdisc.ifindex, shaper: isDeleted ? undefined : shaperIn(qdisc) };
}

function optionally<Value, Result>(value: Value | undefined, read: (value: Value) => Result): Result | undefined {
  return value === undefined ? undefined : read(value);
}
