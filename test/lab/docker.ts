/**
 * What Docker 28 does to a host's firewall: the default bridge with IPv4 and IPv6, and a container that publishes a port,
 * rule by rule with iptables as dockerd does it. After moby's own record of its rules (integration/network/bridge/iptablesdoc).
 */
import { ipBatch } from './command.ts';
import { freshNamespaceLines } from './fresh-namespace.ts';
import { iptables } from './iptables.ts';
import { Namespace, sysctlLine } from './namespace.ts';
import { farIndex, withoutDad } from './topology.ts';
import type { World } from './world.ts';

const families = ['ipv4', 'ipv6'] as const;
type Family = (typeof families)[number];

const bridge: Readonly<
  Record<Family, { readonly subnet: string; readonly gateway: string; readonly container: string }>
> = {
  ipv4: { subnet: '172.17.0.0/16', gateway: '172.17.0.1/16', container: '172.17.0.2' },
  ipv6: { subnet: 'fd00:d0c::/64', gateway: 'fd00:d0c::1/64', container: 'fd00:d0c::2' },
};
const lengths = { ipv4: 32, ipv6: 128 } as const;
/** On the host and in the container. */
export const publishedPort = 8080;
export const containerPort = 80;

const filterChains = [
  'DOCKER',
  'DOCKER-FORWARD',
  'DOCKER-BRIDGE',
  'DOCKER-CT',
  'DOCKER-ISOLATION-STAGE-1',
  'DOCKER-ISOLATION-STAGE-2',
];

export class Docker {
  readonly container: Namespace;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
    this.container = new Namespace(`${world.prefix}-container`);
  }

  /** The bridge, a container on it, and all rules. */
  async start(): Promise<void> {
    await this.#wire();
    await this.loadRules();
  }

  /** What dockerd makes where nothing of its own is there: at its first start, or after somebody's flush. */
  async loadRules(): Promise<void> {
    for (const family of families) {
      const chains = ['-t nat -N DOCKER', ...filterChains.map((chain) => `-N ${chain}`), '-N DOCKER-USER'];
      await iptables(this.#world.host, family, ['-P FORWARD DROP', ...chains]);
      await this.#load(family);
    }
  }

  async #wire(): Promise<void> {
    const { host } = this.#world;
    const { name } = this.container;
    await ipBatch([
      ...freshNamespaceLines(name),
      `link add eth0 ${farIndex} netns ${name} type veth peer name veth1 netns ${host.name}`,
      sysctlLine(name, withoutDad('eth0')),
    ]);
    await host.ip('link add docker0 type bridge');
    await host.setSysctls(withoutDad('docker0'));
    await host.ip(
      ...families.map(
        (family) => `address add ${bridge[family].gateway} dev docker0${family === 'ipv6' ? ' nodad' : ''}`,
      ),
      'link set docker0 up',
      'link set veth1 master docker0 up',
    );
    await this.container.ip(
      'link set lo up',
      'link set eth0 up',
      ...families.flatMap((family) => [
        `address add ${bridge[family].container}/${bridge[family].subnet.split('/')[1]} dev eth0${family === 'ipv6' ? ' nodad' : ''}`,
        `route add default via ${bridge[family].gateway.split('/')[0]}`,
      ]),
    );
    await host.setSysctls({ 'net/ipv4/ip_forward': 1, 'net/ipv6/conf/all/forwarding': 1 });
  }

  /** `systemctl restart docker`: its own chains are emptied and filled again, its jumps taken to the head of FORWARD. */
  async restart(): Promise<void> {
    for (const family of families) {
      const { subnet } = bridge[family];
      await iptables(this.#world.host, family, [
        `-t nat -D POSTROUTING -s ${subnet} ! -o docker0 -j MASQUERADE`,
        '-t nat -D PREROUTING -m addrtype --dst-type LOCAL -j DOCKER',
        `-t nat -D OUTPUT ${outputCondition[family]} -j DOCKER`,
        '-t nat -F DOCKER',
        `-t raw -D PREROUTING -d ${bridge[family].container}/${lengths[family]} ! -i docker0 -j DROP`,
        ...filterChains.map((chain) => `-F ${chain}`),
        '-D FORWARD -j DOCKER-USER',
        '-D FORWARD -j DOCKER-FORWARD',
      ]);
      await this.#load(family);
    }
  }

  async #load(family: Family): Promise<void> {
    await iptables(this.#world.host, family, [...natRules(family), ...filterRules(family), ...rawRules(family)]);
  }
}

const outputCondition = {
  ipv4: '! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL',
  ipv6: '! -d ::1/128 -m addrtype --dst-type LOCAL',
} as const;

function natRules(family: Family): string[] {
  const { subnet, container } = bridge[family];
  const to = family === 'ipv4' ? container : `[${container}]`;
  return [
    '-t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER',
    `-t nat -A OUTPUT ${outputCondition[family]} -j DOCKER`,
    `-t nat -I POSTROUTING -s ${subnet} ! -o docker0 -j MASQUERADE`,
    '-t nat -A DOCKER -i docker0 -j RETURN',
    `-t nat -A DOCKER ! -i docker0 -p tcp -m tcp --dport ${publishedPort} -j DNAT --to-destination ${to}:${containerPort}`,
  ];
}

function filterRules(family: Family): string[] {
  const { container } = bridge[family];
  const destination = `-d ${container}/${lengths[family]}`;
  return [
    '-A DOCKER-FORWARD -j DOCKER-CT',
    '-A DOCKER-FORWARD -j DOCKER-ISOLATION-STAGE-1',
    '-A DOCKER-FORWARD -j DOCKER-BRIDGE',
    '-A DOCKER-FORWARD -i docker0 -j ACCEPT',
    '-A DOCKER-CT -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-A DOCKER-BRIDGE -o docker0 -j DOCKER',
    '-A DOCKER ! -i docker0 -o docker0 -j DROP',
    `-I DOCKER ${destination} ! -i docker0 -o docker0 -p tcp -m tcp --dport ${containerPort} -j ACCEPT`,
    '-I DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2',
    '-I DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP',
    '-I FORWARD -j DOCKER-FORWARD',
    '-I FORWARD -j DOCKER-USER',
  ];
}

/** What reaches a container's address by another link than its bridge is dropped before anything is translated. */
function rawRules(family: Family): string[] {
  return [`-t raw -A PREROUTING -d ${bridge[family].container}/${lengths[family]} ! -i docker0 -j DROP`];
}
