/**
 * Switches forwarding on, and keeps this host's own IPv6 where that would end it: see `routes/forwarding.ts`. Knows whether zones would
 * leave under an address that is not this host's.
 */

import type { Config } from '../config/config.ts';
import { sourcesOf } from '../config/masquerade.ts';
import type { DefaultRoute, Host, HostEvent, Link } from '../host/port.ts';
import type { Address, Family } from '../model/address.ts';
import { isZoneLink } from '../model/link-name.ts';
import {
  type ForwardingChange,
  isIpv6ForwardingOff,
  isNetworkCard,
  keepAdvertisements,
  mayBeAdvertised,
  planForwarding,
} from '../routes/forwarding.ts';
import type { Mirror } from './mirror.ts';
import type { Plan } from './pass-plan.ts';

export class Uplinks {
  readonly #host: Host;
  readonly #mirror: Mirror;
  readonly #config: () => Config;
  readonly #news: (what: string) => void;
  /** Read only while IPv6 forwarding is off: whoever lives on router advertisements must be known before it goes on. */
  #defaultRoutes: DefaultRoute[] = [];
  /** By us: until then, every link took router advertisements. */
  #isTurnedOn = false;
  /** Those that came since and still ignore them, by name. */
  #arrivals: readonly string[] = [];
  /** Of the settings, what zones leave under and this host does not have. */
  #foreignSources: readonly Address[] = [];

  /** `news`: there is something to plan. */
  constructor(host: Host, mirror: Mirror, config: () => Config, news: (what: string) => void = () => undefined) {
    this.#host = host;
    this.#mirror = mirror;
    this.#config = config;
    this.#news = news;
  }

  async observe(): Promise<void> {
    const { rtnetlink, sysctl } = this.#host;
    if (isIpv6ForwardingOff(sysctl)) this.#defaultRoutes = await rtnetlink.defaultRoutes();
    const own = await Promise.all(this.#sources.map((address) => rtnetlink.isOwn(address)));
    this.#foreignSources = this.#sources.filter((_, place) => own[place] === false);
  }

  /** Whether zones are to leave under the address and this host does not have it. */
  lacks(address: Address): boolean {
    return this.#foreignSources.includes(address);
  }

  /** To be called before the mirror takes the event. */
  heard(event: HostEvent): void {
    if (event.kind === 'address' && this.#sources.length > 0) this.#news('an address came or went');
    if (!this.#isTurnedOn || event.kind !== 'link' || event.deleted || !this.#wouldTakeAdvertisements(event.link))
      return;
    this.#arrivals = [...this.#arrivals, event.link.name];
    this.#news('an uplink appeared');
  }

  /** An uplink that is new, and ignores advertisements since we switched forwarding on. */
  #wouldTakeAdvertisements(link: Link): boolean {
    const ignores = link.settings?.({ family: 'ipv6', group: 'conf', key: 'accept_ra' }) === '1';
    if (!ignores || this.#mirror.links.has(link.ifindex) || isZoneLink(link.name)) return false;
    return isNetworkCard(link) || this.#named.includes(link.name);
  }

  plan(families: readonly Family[]): ForwardingChange[] {
    const { sysctl } = this.#host;
    const advertised = () => {
      const [links, defaultRoutes, named] = [this.#mirror.links.values(), this.#defaultRoutes, this.#named];
      return mayBeAdvertised({ links, defaultRoutes, named });
    };
    const late = keepAdvertisements(sysctl, this.#arrivals);
    this.#arrivals = late.map(({ path }) => path.link);
    return [...late, ...planForwarding(sysctl, families, advertised)];
  }

  /** The plan was applied, as far as it could be. */
  passed({ forwarding }: Plan): void {
    this.#isTurnedOn ||= forwarding.some(({ path }) => path.family === 'ipv6' && path.key === 'forwarding');
  }

  get #sources(): Address[] {
    return sourcesOf(this.#config().settings.uplink);
  }

  get #named(): readonly string[] {
    return this.#config().settings.uplink.interfaces;
  }
}
