/** The rtnetlink side of the port, on the fake's links and routes. */
import type { Rtnetlink, RtnetlinkChange, RtnetlinkResult } from '../../src/host/port.ts';
import type { Address } from '../../src/model/address.ts';
import { familyOf } from '../../src/model/address.ts';
import { ProtectNetworkError } from '../../src/model/errors.ts';
import type { Faults } from './faults.ts';
import type { FakeLinks } from './links.ts';
import { refused } from './refuse.ts';
import { ourBlockRoute, ourLocalRoute, ourProtocol, ourRoute } from './routes.ts';
import type { FakeSysctl } from './sysctl.ts';

export class FakeRtnetlink implements Rtnetlink {
  /** Changes applied so far, successful or not: what does not grow shows an idle daemon. */
  changes = 0;
  readonly #links: FakeLinks;
  readonly #sysctl: FakeSysctl;
  readonly #faults: Faults;

  constructor(links: FakeLinks, sysctl: FakeSysctl, faults: Faults) {
    this.#links = links;
    this.#sysctl = sysctl;
    this.#faults = faults;
  }

  async links() {
    await this.#faults.pass('rtnetlink.links');
    return this.#links.list();
  }

  async routes(...[family, device]: Parameters<Rtnetlink['routes']>) {
    await this.#faults.pass('rtnetlink.routes');
    return this.#links.routes.list(family, device?.ifindex);
  }

  async waysOut() {
    const routes = await this.defaultRoutes();
    const ways = new Map(routes.map(({ family, device }) => [`${family} ${device}`, { family, device }]));
    return [...ways.values()];
  }

  async defaultRoutes() {
    await this.#faults.pass('rtnetlink.defaultRoutes');
    return this.#links.routes.defaults();
  }

  async foreignRoutes(...[within]: Parameters<Rtnetlink['foreignRoutes']>) {
    await this.#faults.pass('rtnetlink.foreignRoutes');
    return this.#links.routes.foreign(within);
  }

  async isOwn(address: Address) {
    await this.#faults.pass('rtnetlink.isOwn');
    return this.#links.routes.isLocal(address);
  }

  async proxies(...[device]: Parameters<Rtnetlink['proxies']>) {
    await this.#faults.pass('rtnetlink.proxies');
    return this.#links.routes.proxies(device?.ifindex);
  }

  async shapers() {
    await this.#faults.pass('rtnetlink.shapers');
    return this.#links.shapers();
  }

  async apply(changes: readonly RtnetlinkChange[]): Promise<RtnetlinkResult[]> {
    await this.#faults.pass('rtnetlink.apply');
    const results: RtnetlinkResult[] = [];
    for (const change of changes) results.push(await this.#applyOne(change));
    return results;
  }

  async #applyOne(change: RtnetlinkChange): Promise<RtnetlinkResult> {
    this.changes += 1;
    try {
      await this.#faults.pass(`rtnetlink.apply ${change.kind}`);
      this.#change(change);
      return { ok: true };
    } catch (error) {
      if (error instanceof ProtectNetworkError) return { ok: false, error };
      throw error;
    }
  }

  /** What hung on a link that vanished is gone, so deleting it succeeds; everything else there is `vanished`. */
  #change(change: RtnetlinkChange): void {
    const { routes, loopback } = this.#links;
    if ('address' in change) this.#familyMustExist(change.address);
    switch (change.kind) {
      case 'link-up':
        this.#links.set(this.#links.get(change.ifindex).name, { up: true });
        break;
      case 'route-add':
        this.#mustCarryRoutes(change.ifindex, change.address);
        routes.add(ourRoute(change.address, change.ifindex), change.insist);
        break;
      case 'route-del':
        routes.remove(ourRoute(change.address, change.ifindex));
        break;
      case 'local-add':
        this.#mustCarryRoutes(loopback, change.address);
        routes.add(ourLocalRoute(change.address, loopback));
        break;
      case 'local-del':
        routes.remove(ourLocalRoute(change.address, loopback));
        break;
      case 'block-add':
        this.#familyMustExist(change.prefix.address);
        routes.add(ourBlockRoute(change.prefix));
        break;
      case 'block-del':
        routes.remove(ourBlockRoute(change.prefix));
        break;
      case 'proxy-add':
        // The kernel takes these on a link that is down, too, and drops them at the next "down".
        routes.addProxy({
          address: change.address,
          ifindex: this.#links.get(change.ifindex).ifindex,
          protocol: ourProtocol,
        });
        break;
      case 'proxy-del':
        routes.removeProxy(change.address, change.ifindex);
        break;
      case 'shaper-set':
        this.#links.shape(this.#links.get(change.ifindex).ifindex, {
          kind: 'ours',
          bitsPerSecond: Math.floor(change.bitsPerSecond / 8) * 8,
        });
        break;
      case 'shaper-del':
        this.#links.unshape(change.ifindex);
        break;
      default:
        throw refused(`unknown change ${JSON.stringify(change satisfies never)}`);
    }
  }

  #mustCarryRoutes(ifindex: number, address: Address): void {
    const link = this.#links.get(ifindex);
    if (!link.up) throw refused(`${address} dev ${link.name}: Network is down`);
    const disabled = this.#sysctl.read({ family: 'ipv6', group: 'conf', link: link.name, key: 'disable_ipv6' });
    if (familyOf(address) === 'ipv6' && disabled !== '0') {
      throw refused(`${address} dev ${link.name}: IPv6 is disabled on nexthop device`);
    }
  }

  #familyMustExist(address: Address): void {
    if (!this.#sysctl.families.includes(familyOf(address))) throw refused(`${address}: Operation not supported`);
  }
}
