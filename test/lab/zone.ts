/** A zone: a namespace of its own whose `eth0` is the far end of the host's `vif<DOMID>.<DEVID>`. */
import { type LinkName, linkName } from '../../src/model/link-name.ts';
import { defaultAddresses, gateway, isIpv6, netbackMac, zoneSubnet } from './addresses.ts';
import { destroyNamespaces } from './cleanup.ts';
import { ipBatch } from './command.ts';
import { freshNamespaceLines } from './fresh-namespace.ts';
import { Namespace, sysctlLine } from './namespace.ts';
import { farIndex, withoutDad } from './topology.ts';

export interface ZoneOptions {
  readonly domid: number;
  /** Default 0. */
  readonly devid?: number;
  /** Default: derived from the domain id. Null: none. */
  readonly ipv4?: string | null;
  readonly ipv6?: string | null;
  /** False: the guest's `eth0` stays as it was born. Default true: addresses, up, default routes, as Edera does it. */
  readonly configureGuest?: boolean;
}

/** Two processes, about 20 ms. The link appears on the host before the guest is configured, as with a real zone. */
export async function addZone(prefix: string, host: Namespace, options: ZoneOptions): Promise<Zone> {
  const { domid, devid = 0, configureGuest = true } = options;
  const link = linkName(domid, devid);
  if (link === undefined) throw new Error(`no link name for domain ${domid}, device ${devid}`);
  const { ipv4, ipv6 } = { ...defaultAddresses(domid, devid), ...definedOnly(options) };
  const zone = new Zone(`${prefix}-${domid}-${devid}`, host, link, ipv4 ?? undefined, ipv6 ?? undefined);
  await ipBatch([...freshNamespaceLines(zone.name), ...zone.linkLines()]);
  if (configureGuest) await zone.configure();
  return zone;
}

export class Zone extends Namespace {
  readonly link: LinkName;
  readonly ipv4: string | undefined;
  readonly ipv6: string | undefined;
  readonly #host: Namespace;

  constructor(name: string, host: Namespace, link: LinkName, ipv4: string | undefined, ipv6: string | undefined) {
    super(name);
    this.link = link;
    this.ipv4 = ipv4;
    this.ipv6 = ipv6;
    this.#host = host;
  }

  /** Its own namespace: for symmetry with `world.host` and `world.internet` a zone is one. */
  get namespace(): Namespace {
    return this;
  }

  /** For the machine's own namespace: both ends, as netback makes them. */
  linkLines(): string[] {
    const { name, link } = this;
    return [
      `link add eth0 ${farIndex} netns ${name} type veth peer name ${link} address ${netbackMac} netns ${this.#host.name}`,
      sysctlLine(name, { ...impatient, ...withoutDad('eth0') }),
    ];
  }

  /** The link ends and the guest lives on, as where a driver domain is restarted. */
  async unlink(): Promise<void> {
    await this.#host.ip(`link del ${this.link}`);
  }

  /** The link is born again under its name. */
  async relink(): Promise<void> {
    await ipBatch(this.linkLines());
    await this.configure();
  }

  /** What Edera's guest does: the whole subnet on-link, everything else by the gateway. */
  async configure(): Promise<void> {
    const lines = ['link set lo up', 'link set eth0 up'];
    if (this.ipv4 !== undefined) {
      lines.push(`address add ${this.ipv4}/${zoneSubnet.ipv4.length} dev eth0`);
      lines.push(`route add default via ${gateway.ipv4} dev eth0 onlink`);
    }
    if (this.ipv6 !== undefined) {
      lines.push(`address add ${this.ipv6}/${zoneSubnet.ipv6.length} dev eth0 nodad`);
      lines.push(`route add default via ${gateway.ipv6} dev eth0 onlink`);
    }
    await this.ip(...lines);
  }

  /** Gives the guest an address it may not use, to send with as `source` (ping, connect): on `lo`, so no route changes. */
  async forge(address: string): Promise<void> {
    await this.ip(isIpv6(address) ? `address add ${address}/128 dev lo nodad` : `address add ${address}/32 dev lo`);
  }

  /** The zone dies: its link first, then everything in it. */
  async remove(): Promise<void> {
    await this.#host.ip(`link del ${this.link}`);
    destroyNamespaces([this.name]);
  }
}

/** A guest whose first ARP request is lost asks again after 50 ms instead of a second. */
const impatient: Readonly<Record<string, number>> = {
  'net/ipv4/neigh/eth0/retrans_time_ms': 50,
  'net/ipv6/neigh/eth0/retrans_time_ms': 50,
};

function definedOnly({ ipv4, ipv6 }: ZoneOptions): { ipv4?: string | null; ipv6?: string | null } {
  return { ...(ipv4 === undefined ? {} : { ipv4 }), ...(ipv6 === undefined ? {} : { ipv6 }) };
}
