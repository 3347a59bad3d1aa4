/** The foreign changes that are measured: how each is made, and what shows that it is undone. */

import { familyOf, parseAddress, toBigInt } from '../src/model/address.ts';
import { defaultAddresses, zoneSubnet } from '../test/lab/addresses.ts';
import type { NftObjects, ObservedHost } from '../test/lab/host.ts';
import type { Change, FileProof, Proof } from './repair-observer.ts';

export interface Victim {
  readonly link: string;
  readonly ipv4: string;
  readonly ipv6: string;
}

export interface Kind {
  readonly name: string;
  /** How the change is made to this link, and seen to be undone. */
  strike(host: ObservedHost, victim: Victim): Promise<{ readonly change: Change; readonly proof: Proof }>;
  /** Takes back what the daemon leaves of the change, as it is not its own. */
  undo?(host: ObservedHost, victim: Victim): Promise<unknown>;
}

export function victimOf(domid: number): Victim {
  return { link: `vif${domid}.0`, ...defaultAddresses(domid, 0) };
}

const transactions: Proof = { transactions: true };

export const kinds: readonly Kind[] = [
  nft('nft flush ruleset', async () => 'flush ruleset'),
  nft('nft flush chain', async () => 'flush chain ip filter EDERA-FORWARD'),
  nft('jump deleted', async (host) => {
    const jump = await ruleIn(host, 'FORWARD', (text) => text.includes('EDERA-FORWARD'));
    return `delete rule ip filter FORWARD handle ${jump}`;
  }),
  nft('set element deleted', async (_host, { link, ipv4 }) => `delete element inet edera from4 { ${link} . ${ipv4} }`),
  nft('table deleted', async () => 'delete table inet edera'),
  nft(
    'rule deleted',
    async (host, victim) => `delete rule ip filter EDERA-FORWARD handle ${await pairOf(host, victim)}`,
  ),
  nft('rule edited', async (host, victim) => {
    const { link } = victim;
    return `replace rule ip filter EDERA-FORWARD handle ${await pairOf(host, victim)} oifname ${link} counter drop`;
  }),
  proc('route deleted, IPv4', ({ link, ipv4 }) => ({
    change: { run: ['ip', 'route', 'del', `${ipv4}/32`, 'dev', link] },
    proof: [route(link, ipv4)],
  })),
  proc('route deleted, IPv6', ({ link, ipv6 }) => ({
    change: { run: ['ip', '-6', 'route', 'del', `${ipv6}/128`, 'dev', link] },
    proof: [route(link, ipv6)],
  })),
  {
    ...proc('route replaced', ({ link, ipv4 }) => ({
      change: { run: ['ip', 'route', 'replace', `${ipv4}/32`, 'dev', 'uplink0', 'proto', 'static'] },
      proof: [route(link, ipv4)],
    })),
    // Theirs stays, behind ours.
    undo: (host, { ipv4 }) => host.mustExec('ip', ['route', 'del', `${ipv4}/32`, 'dev', 'uplink0', 'proto', 'static']),
  },
  sysctl('proxy_arp off', ({ link }) => `ipv4/conf/${link}/proxy_arp`, '0', '1'),
  sysctl('rp_filter off', ({ link }) => `ipv4/conf/${link}/rp_filter`, '0', '1'),
  sysctl('forwarding off, IPv4', () => 'ipv4/ip_forward', '0', '1'),
  sysctl('forwarding off, IPv6', () => 'ipv6/conf/all/forwarding', '0', '1'),
  sysctl('proxy_delay set', ({ link }) => `ipv4/neigh/${link}/proxy_delay`, '80', '0'),
  sysctl('accept_ra on', ({ link }) => `ipv6/conf/${link}/accept_ra`, '1', '0'),
  {
    name: 'neighbour proxy deleted',
    strike: async (_host, { link }) => ({
      change: { run: ['ip', '-6', 'neighbour', 'del', 'proxy', gateway6, 'dev', link] },
      proof: { command: ['ip', '-6', 'neighbour', 'show', 'proxy', 'dev', link], has: gateway6 },
    }),
  },
  proc('link down and up', ({ link, ipv4, ipv6 }) => ({
    // In one process, so that the daemon sees either both or the first for a moment.
    change: { run: ['sh', '-c', 'ip link set dev "$0" down && ip link set dev "$0" up', link] },
    proof: [route(link, ipv4), route(link, ipv6)],
  })),
];

const gateway6 = `${zoneSubnet.ipv6.address}1`;

function nft(name: string, script: (host: ObservedHost, victim: Victim) => Promise<string>): Kind {
  return {
    name,
    strike: async (host, victim) => ({ change: { run: ['nft', await script(host, victim)] }, proof: transactions }),
  };
}

function proc(name: string, make: (victim: Victim) => { change: Change; proof: FileProof[] }): Kind {
  return {
    name,
    strike: async (_host, victim) => {
      const { change, proof } = make(victim);
      return { change, proof: { files: proof } };
    },
  };
}

function sysctl(name: string, path: (victim: Victim) => string, wrong: string, right: string): Kind {
  return proc(name, (victim) => {
    const file = `/proc/sys/net/${path(victim)}`;
    return {
      change: { write: [file, wrong] },
      proof: [{ file, has: [right], ...(right === '0' ? { lacks: [wrong] } : {}) }],
    };
  });
}

/** The host route as /proc/net/route (address in hexadecimal, least byte first) or /proc/net/ipv6_route prints it. */
function route(link: string, text: string): FileProof {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  const hex = toBigInt(address).toString(16);
  if (familyOf(address) === 'ipv6')
    return { file: '/proc/net/ipv6_route', has: [`${hex.padStart(32, '0')} 80 `, ` ${link}`] };
  const reversed = hex.padStart(8, '0').match(/../g)?.reverse().join('').toUpperCase() ?? '';
  return { file: '/proc/net/route', has: [`${link}\t${reversed}\t`] };
}

/** The handle of the rule that accepts what goes to the link. */
function pairOf(host: ObservedHost, { link }: Victim): Promise<number> {
  return ruleIn(host, 'EDERA-FORWARD', (text) => text.includes(`"oifname"`) && text.includes(`"${link}"`));
}

async function ruleIn(host: ObservedHost, chain: string, fits: (text: string) => boolean): Promise<number> {
  const objects: NftObjects = await host.nftJson(['chain', 'ip', 'filter', chain]);
  for (const { rule } of objects) {
    if (rule !== undefined && fits(JSON.stringify(rule))) return (rule as { handle: number }).handle;
  }
  throw new Error(`no such rule in ${chain}`);
}
