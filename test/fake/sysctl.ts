/**
 * The tree under /proc/sys/net that concerns links. Values are what Linux 6.18 shows in a fresh network namespace,
 * where `neigh/default` does not exist.
 */
import type { HostEvent, LinkSettings, SysctlPath } from '../../src/host/port.ts';
import type { Family } from '../../src/model/address.ts';
import { ProtectNetworkError } from '../../src/model/errors.ts';
import type { LinkName } from '../../src/model/link-name.ts';
import type { EventStream } from './events.ts';
import { refused } from './refuse.ts';

type Values = Map<string, string>;

const bornConf: Record<Family, Readonly<Record<string, string>>> = {
  ipv4: {
    accept_redirects: '1',
    accept_source_route: '1',
    arp_announce: '0',
    arp_ignore: '0',
    forwarding: '0',
    proxy_arp: '0',
    rp_filter: '0',
    secure_redirects: '1',
    send_redirects: '1',
  },
  ipv6: {
    accept_dad: '1',
    accept_ra: '1',
    accept_redirects: '1',
    accept_source_route: '0',
    autoconf: '1',
    dad_transmits: '1',
    disable_ipv6: '0',
    forwarding: '0',
    proxy_ndp: '0',
  },
};
const bornNeigh = { proxy_delay: '80' };
/** Where `all` is born different from a link. */
const bornAll: Record<Family, Readonly<Record<string, string>>> = {
  ipv4: { accept_source_route: '0' },
  ipv6: { accept_dad: '0' },
};
/** The only keys whose changes the kernel announces (RTM_NEWNETCONF). */
const announced: ReadonlySet<string> = new Set(['forwarding', 'proxy_arp', 'proxy_ndp', 'rp_filter']);

export class FakeSysctl {
  readonly families: readonly Family[];
  /** Keyed by `family/group/link`. */
  readonly #tree = new Map<string, Values>();
  readonly #events: EventStream;
  readonly #followed = new Set<string>();
  #onDisableIpv6: (link: string) => void = () => undefined;

  constructor(events: EventStream, ipv6: boolean) {
    this.#events = events;
    this.families = ipv6 ? ['ipv4', 'ipv6'] : ['ipv4'];
    for (const family of this.families) {
      this.#tree.set(`${family}/conf/all`, new Map(Object.entries({ ...bornConf[family], ...bornAll[family] })));
      this.#tree.set(`${family}/conf/default`, new Map(Object.entries(bornConf[family])));
    }
  }

  /** What else happens when a link's `disable_ipv6` goes from 0 to anything else. */
  whenIpv6Goes(action: (link: string) => void): void {
    this.#onDisableIpv6 = action;
  }

  addLink(link: string): void {
    for (const family of this.families) {
      this.#tree.set(`${family}/conf/${link}`, new Map(this.#tree.get(`${family}/conf/default`)));
      this.#tree.set(`${family}/neigh/${link}`, new Map(Object.entries(bornNeigh)));
      this.#announceAll(family, link);
    }
  }

  /** What is told with the link, as of now. */
  told(link: string): LinkSettings {
    const places = this.families.flatMap((family) => [`${family}/conf`, `${family}/neigh`]);
    const now = new Map(places.map((place) => [place, new Map(this.#tree.get(`${place}/${link}`))]));
    return ({ family, group, key }) => now.get(`${family}/${group}`)?.get(key);
  }

  deleteLink(link: string): void {
    for (const family of this.families) {
      this.#tree.delete(`${family}/conf/${link}`);
      this.#tree.delete(`${family}/neigh/${link}`);
    }
  }

  renameLink(from: string, to: string): void {
    for (const family of this.families) {
      for (const group of ['conf', 'neigh']) {
        this.#tree.set(`${family}/${group}/${to}`, this.#tree.get(`${family}/${group}/${from}`) ?? new Map());
        this.#tree.delete(`${family}/${group}/${from}`);
      }
      this.#announceAll(family, to);
    }
  }

  read(path: SysctlPath): string | undefined {
    const [values, key] = this.#locate(path);
    return values?.get(key);
  }

  write(path: SysctlPath, value: string): void {
    const [values, key] = this.#locate(path);
    const old = values?.get(key);
    if (values === undefined || old === undefined) {
      throw new ProtectNetworkError('vanished', `/proc/sys/net/${textOf(path)}: no such file`);
    }
    if (!/^-?\d{1,9}$/.test(value)) throw refused(`/proc/sys/net/${textOf(path)}: invalid argument "${value}"`);
    if (old === value) return;
    const link = path.group === 'top' ? 'all' : path.link;
    this.#change(path.family, link, values, key, value);
    if (link === 'all') this.#spread(path.family, key, value);
  }

  readonly followProblem = undefined;

  follow(link: LinkName): void {
    this.#followed.add(link);
  }

  unfollow(link: LinkName): void {
    this.#followed.delete(link);
  }

  /** A write by somebody else, which is told where the link is followed. */
  writeAsOther(path: SysctlPath, value: string): void {
    this.write(path, value);
    if (this.#followed.has(path.link))
      this.#events.emit({ kind: 'sysctl', link: path.link, name: `net/${textOf(path)}` });
  }

  /** `net/ipv4/conf/vif7.0/proxy_arp = 1` for every value the kernel would not have given by itself. */
  render(): string[] {
    const lines: string[] = [];
    for (const [place, values] of this.#tree) {
      const [family, group, link] = place.split('/') as [Family, 'conf' | 'neigh', string];
      for (const [key, value] of values) {
        if (value !== this.#unremarkable(family, group, link, key)) lines.push(`sysctl net/${place}/${key} = ${value}`);
      }
    }
    return lines.sort();
  }

  #locate(path: SysctlPath): [Values | undefined, string] {
    if (path.group !== 'top') return [this.#tree.get(`${path.family}/${path.group}/${path.link}`), path.key];
    const known = path.family === 'ipv4' && path.key === 'ip_forward';
    return [known ? this.#tree.get('ipv4/conf/all') : undefined, 'forwarding'];
  }

  #change(family: Family, link: string, values: Values, key: string, value: string): void {
    const old = values.get(key);
    values.set(key, value);
    if (old !== value && announced.has(key)) this.#events.emit(netconf(family, link, new Map([[key, value]])));
    if (key === 'disable_ipv6' && old === '0') this.#onDisableIpv6(link);
  }

  /** inet_forward_change, addrconf_forward_change and addrconf_disable_change: a write to `all` reaches every link. */
  #spread(family: Family, key: string, value: string): void {
    if (key !== 'forwarding' && key !== 'disable_ipv6') return;
    for (const [place, values] of this.#tree) {
      const [ofFamily, group, link = ''] = place.split('/');
      if (ofFamily === family && group === 'conf' && link !== 'all') this.#change(family, link, values, key, value);
    }
    if (family === 'ipv4') this.#tree.get('ipv4/conf/all')?.set('accept_redirects', value === '0' ? '1' : '0');
  }

  /** A new directory of sysctls is announced with every setting that netconf knows. */
  #announceAll(family: Family, link: string): void {
    this.#events.emit(netconf(family, link, this.#tree.get(`${family}/conf/${link}`) ?? new Map()));
  }

  #unremarkable(family: Family, group: 'conf' | 'neigh', link: string, key: string): string | undefined {
    if (group === 'neigh') return bornNeigh.proxy_delay;
    if (link === 'all') return bornAll[family][key] ?? bornConf[family][key];
    if (key === 'forwarding') return this.#tree.get(`${family}/conf/all`)?.get(key);
    return bornConf[family][key];
  }
}

function netconf(family: Family, link: string, values: Values): HostEvent {
  const is = (key: string, test: (value: string) => boolean) => {
    const value = values.get(key);
    return value === undefined ? undefined : test(value);
  };
  return {
    kind: 'netconf',
    family,
    link,
    forwarding: is('forwarding', (value) => value !== '0'),
    strictReversePath: is('rp_filter', (value) => value === '1'),
    proxiesNeighbours: is(family === 'ipv4' ? 'proxy_arp' : 'proxy_ndp', (value) => value !== '0'),
  };
}

function textOf(path: SysctlPath): string {
  return path.group === 'top' ? `${path.family}/${path.key}` : `${path.family}/${path.group}/${path.link}/${path.key}`;
}
