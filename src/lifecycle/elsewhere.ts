/**
 * In a fleet, addresses of this host's blocks that another host's zone has: a zone that has moved there. Its route, which the
 * routing daemon puts beside ours, says so, and its end that the address is this host's again.
 */
import type { Config } from '../config/config.ts';
import { isSingle } from '../config/fleet.ts';
import type { Host, HostEvent, Link, Rtnetlink } from '../host/port.ts';
import { isLearnedFromLan } from '../host/route-numbers.ts';
import { routeProtocol } from '../host/rtnetlink-changes.ts';
import { type Address, contains, type Prefix, parseAddress } from '../model/address.ts';

const nowhere: ReadonlySet<Address> = new Set();

export class Elsewhere {
  readonly #host: Pick<Host, 'rtnetlink'>;
  readonly #config: () => Config;
  readonly #news: (what: string) => void;
  /** What was read for. */
  #blocks: readonly Prefix[] = [];
  #isStale = true;
  /** Another set where something in it is different. */
  addresses: ReadonlySet<Address> = nowhere;

  constructor(host: Pick<Host, 'rtnetlink'>, config: () => Config, news: (what: string) => void = () => undefined) {
    this.#host = host;
    this.#config = config;
    this.#news = news;
  }

  heard(event: HostEvent): void {
    if (this.#blocks.length === 0) return;
    // With its link an IPv4 route goes without a word.
    if (event.kind === 'link' && this.addresses.size > 0 && (event.deleted || !event.link.up))
      this.#linkWent(event.link);
    if (event.kind !== 'route' || event.protocol === routeProtocol || isLearnedFromLan(event.protocol)) return;
    const address = parseAddress(event.destination);
    if (address === undefined || !this.#blocks.some((block) => contains(block, address))) return;
    this.#isStale = true;
    this.#news(`route ${event.destination} of another host ${event.deleted ? 'was deleted' : 'was added'}`);
  }

  #linkWent({ name }: Link): void {
    if (!this.#config().settings.fleet.uplinks.includes(name)) return;
    this.#isStale = true;
    this.#news(`${name}, a link to other hosts, went down`);
  }

  /** Reads all routes where one of those may have come or gone, and where everything is read anew. */
  async observe(isAll: boolean): Promise<void> {
    const { block, uplinks } = this.#config().settings.fleet;
    // A single address is here because somebody has said so.
    const blocks = block.filter((each) => !isSingle(each));
    const isSame = blocks.map(({ text }) => text).join() === this.#blocks.map(({ text }) => text).join();
    if (isSame && !this.#isStale && !isAll) return;
    this.#blocks = blocks;
    this.#isStale = false;
    const routes = await this.#read(blocks);
    const byUplink = routes.filter(({ devices }) => devices.some((device) => uplinks.includes(device)));
    const addresses = new Set(byUplink.map(({ address }) => address));
    if (addresses.symmetricDifference(this.addresses).size > 0) this.addresses = addresses;
  }

  async #read(blocks: readonly Prefix[]): ReturnType<Rtnetlink['foreignRoutes']> {
    if (blocks.length === 0) return [];
    try {
      return await this.#host.rtnetlink.foreignRoutes(blocks);
    } catch (error) {
      this.#isStale = true;
      throw error;
    }
  }
}
