/** Links, and what their comings and goings do to everything that hangs on them. */
import type { Link, Shaper } from '../../src/host/port.ts';
import { ProtectNetworkError } from '../../src/model/errors.ts';
import type { EventStream } from './events.ts';
import { refused, vanished } from './refuse.ts';
import { FakeRoutes } from './routes.ts';
import type { FakeSysctl } from './sysctl.ts';

export interface LinkChange {
  readonly up?: boolean;
  readonly carrier?: boolean;
  readonly master?: string | null;
}

interface FakeLink extends Link {
  readonly carrier: boolean;
}

/** IFNAMSIZ less its NUL. */
const maxNameLength = 15;
const loopback = 1;

export class FakeLinks {
  readonly routes: FakeRoutes;
  readonly #links = new Map<number, FakeLink>();
  readonly #shapers = new Map<number, Shaper>();
  readonly #sysctl: FakeSysctl;
  readonly #events: EventStream;
  #lastIfindex = 0;

  constructor(events: EventStream, sysctl: FakeSysctl) {
    this.#events = events;
    this.#sysctl = sysctl;
    this.routes = new FakeRoutes(events, (ifindex) => this.#links.get(ifindex)?.name);
    sysctl.whenIpv6Goes((name) => {
      const link = this.find(name);
      if (link !== undefined) this.routes.flush(link.ifindex, ['ipv6']);
    });
    this.add('lo');
    this.set('lo', { up: true });
  }

  get loopback(): number {
    return loopback;
  }

  list(): Link[] {
    return [...this.#links.values()].map((link) => this.#portLink(link));
  }

  find(name: string): FakeLink | undefined {
    return [...this.#links.values()].find((link) => link.name === name);
  }

  /** The link, which may be down; throws `vanished`. */
  get(ifindex: number): FakeLink {
    const link = this.#links.get(ifindex);
    if (link === undefined) throw vanished(`link ${ifindex}`);
    return link;
  }

  /** Born down, with a carrier, under an ifindex that was never used before. */
  add(name: string, ties: Pick<Link, 'lower' | 'kind' | 'bus' | 'device'> = {}): number {
    if (name === '' || name.length > maxNameLength) throw refused(`"${name}" is no link name`);
    if (this.find(name) !== undefined) throw refused(`${name}: File exists`);
    this.#lastIfindex += 1;
    const link = { ifindex: this.#lastIfindex, name, up: false, carrier: true, ...ties };
    this.#links.set(link.ifindex, link);
    this.#sysctl.addLink(name);
    this.#announce(link, false);
    return link.ifindex;
  }

  remove(name: string): void {
    const link = this.#named(name);
    for (const member of this.list()) if (member.master === name) this.set(member.name, { master: null });
    if (link.up) this.set(name, { up: false });
    this.routes.flush(link.ifindex, ['ipv4', 'ipv6']);
    this.#sysctl.deleteLink(name);
    this.#links.delete(link.ifindex);
    this.#shapers.delete(link.ifindex);
    this.#announce({ ...link, up: false }, true);
  }

  /** The link keeps its ifindex, routes and sysctl values. */
  rename(from: string, to: string): void {
    const link = this.#named(from);
    if (this.find(to) !== undefined) throw refused(`${to}: File exists`);
    this.#links.set(link.ifindex, { ...link, name: to });
    this.#sysctl.renameLink(from, to);
    this.#announce({ ...link, name: to }, false);
  }

  /** A master of null is none. */
  set(name: string, change: LinkChange): void {
    const old = this.#named(name);
    const { master = old.master, ...rest } = change;
    const link: FakeLink = { ...old, ...rest, master: master ?? undefined };
    if (link.up === old.up && link.carrier === old.carrier && link.master === old.master) return;
    if (!link.up && old.up) this.routes.flush(link.ifindex, ['ipv4', 'ipv6']);
    this.#links.set(link.ifindex, link);
    this.#announce(link, false);
  }

  shapers(): Map<number, Shaper> {
    return new Map(this.#shapers);
  }

  /** One of ours is changed by one of ours, and is in nobody else's place. */
  shape(ifindex: number, shaper: Shaper): void {
    const before = this.#shapers.get(ifindex);
    if (before?.kind === 'other' && shaper.kind === 'ours')
      throw new ProtectNetworkError('exists', `${before.qdisc} is there: File exists`);
    if (before?.kind === 'ours' && shaper.kind === 'other') this.unshape(ifindex);
    this.#shapers.set(ifindex, shaper);
    this.#events.emit({ kind: 'shaper', ifindex, shaper });
  }

  /** Only ours, unless `whose` says otherwise. */
  unshape(ifindex: number, whose: Shaper['kind'] = 'ours'): void {
    if (this.#shapers.get(ifindex)?.kind !== whose) return;
    this.#shapers.delete(ifindex);
    this.#events.emit({ kind: 'shaper', ifindex, shaper: undefined });
  }

  render(): string[] {
    const links = [...this.#links.values()].map(
      ({ ifindex, name, up, carrier, master }) =>
        `link ${ifindex} ${name} ${up ? 'up' : 'down'}${carrier ? '' : ' no-carrier'}${master === undefined ? '' : ` master ${master}`}`,
    );
    const shapers = [...this.#shapers].map(
      ([ifindex, shaper]) => `qdisc of ${ifindex} ${shaper.kind === 'ours' ? shaper.bitsPerSecond : shaper.qdisc}`,
    );
    return [...links, ...shapers];
  }

  #named(name: string): FakeLink {
    const link = this.find(name);
    if (link === undefined) throw vanished(name);
    return link;
  }

  #announce(link: FakeLink, deleted: boolean): void {
    this.#events.emit({ kind: 'link', link: this.#portLink(link), deleted });
  }

  #portLink({ ifindex, name, up, carrier, master, lower, kind, bus, device }: FakeLink): Link {
    return {
      ifindex,
      name,
      up,
      carrier: up && carrier,
      master,
      lower,
      kind,
      bus,
      device,
      settings: this.#sysctl.told(name),
    };
  }
}
