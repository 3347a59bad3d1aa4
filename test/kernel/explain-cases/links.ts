/** Hosts whose directories, links, gateways or neighbours are wrong. */
import { families } from '../../../src/model/address.ts';
import { farHost, gateway, hostUplink, internetGateway, zoneSubnet } from '../../lab/addresses.ts';
import {
  byIp,
  bySysctl,
  type Case,
  type Lab,
  toGateway,
  toOutside,
  toOutside6,
  toSibling,
  toSibling6,
} from '../../lab/explain-case.ts';

const nothing = async () => undefined;
const stranger = (name: string, domid: number, names: RegExp): Case => ({
  name,
  ask: { subject: `vif${domid}.0`, to: farHost.ipv4 },
  breakIt: nothing,
  mend: nothing,
  verdict: 'blocked',
  names,
});

const route4 = 'route add 10.75.1.7/32 dev vif7.0 proto 75';
const route6 = 'route add fdd4:1476:6c7e::107/128 dev vif7.0 proto 75';
const proxies = [gateway.ipv6, 'fdd4:1476:6c7e::108'].map(
  (address) => `neigh replace proxy ${address} dev vif7.0 protocol 75`,
);
/** What its daemon would put back: deleting the last address or a link's end takes them. */
const uplinkAgain = [
  'link set uplink0 up',
  `address replace ${hostUplink.ipv6}/64 dev uplink0 nodad`,
  `route replace default via ${internetGateway.ipv4}`,
  `route replace default via ${internetGateway.ipv6} dev uplink0`,
];

/** The outside's routes to zones, which go with its link or its address. */
const waysBack = families.map(
  (family) => `route replace ${zoneSubnet[family].text} via ${hostUplink[family]} dev eth0`,
);

async function guestAgain({ zones: [zone] }: Lab): Promise<void> {
  await zone.ip(
    'link set eth0 up',
    `address replace ${zone.ipv6}/48 dev eth0 nodad`,
    `route replace default via ${gateway.ipv4} dev eth0 onlink`,
    `route replace default via ${gateway.ipv6} dev eth0 onlink`,
  );
}

export const links: readonly Case[] = [
  stranger('a link that no directory knows', 9, /vif9\.0 has no network: no zone directory knows this link/),
  stranger('an address outside the subnet', 10, /10\.99\.0\.5 is outside the zone subnet/),
  {
    ...stranger('an address that another zone has', 11, /10\.75\.1\.7 already belongs to vif7\.0/),
    breakIt: ({ world }) => world.writeZoneFile('vif11.0', { ipv4: '10.75.1.7' }),
    mend: ({ world }) => world.removeZoneFile('vif11.0'),
  },
  byIp('the link is down', ['link set vif7.0 down'], ['link set vif7.0 up', route4, route6, ...proxies], {
    names: /vif7\.0 is down/,
  }),
  {
    name: 'the zone’s end of the link is down',
    ask: toOutside,
    breakIt: ({ zones }) => zones[0].ip('link set eth0 down'),
    mend: guestAgain,
    verdict: 'blocked',
    names: /vif7\.0 is up and has no carrier: the guest’s interface is down/,
  },
  bySysctl(
    'proxy_arp is off, which a sibling needs',
    { 'net/ipv4/conf/vif7.0/proxy_arp': 0 },
    { 'net/ipv4/conf/vif7.0/proxy_arp': 1 },
    {
      ask: toSibling,
      names: /ARP for 10\.75\.1\.8 on vif7\.0: proxy_arp is 0/,
    },
  ),
  bySysctl(
    'proxy_arp is off, and the gateway is answered for all the same',
    { 'net/ipv4/conf/vif7.0/proxy_arp': 0 },
    { 'net/ipv4/conf/vif7.0/proxy_arp': 1 },
    {
      verdict: 'passes',
      names: /nothing on this host/,
    },
  ),
  bySysctl(
    'arp_ignore asks for the address on the link',
    { 'net/ipv4/conf/all/arp_ignore': 1 },
    { 'net/ipv4/conf/all/arp_ignore': 0 },
    {
      names: /arp_ignore is 1/,
    },
  ),
  {
    name: 'neither a gateway route nor proxy_arp',
    ask: toOutside,
    breakIt: async ({ world: { host } }) => {
      await host.ip(`route del local ${gateway.ipv4} dev lo table local`);
      await host.setSysctls({ 'net/ipv4/conf/vif7.0/proxy_arp': 0 });
    },
    mend: async ({ world: { host } }) => {
      await host.ip(`route add local ${gateway.ipv4} dev lo table local proto 75`);
      await host.setSysctls({ 'net/ipv4/conf/vif7.0/proxy_arp': 1 });
    },
    verdict: 'blocked',
    names: /ARP for 10\.75\.0\.1 on vif7\.0: proxy_arp is 0/,
  },
  byIp(
    'the gateway’s address is routed to the zone itself',
    [`route del local ${gateway.ipv4} dev lo table local`, `route add ${gateway.ipv4} dev vif7.0`],
    [`route del ${gateway.ipv4} dev vif7.0`, `route add local ${gateway.ipv4} dev lo table local proto 75`],
    { names: /the host routes 10\.75\.0\.1 via vif7\.0 itself/ },
  ),
  byIp('the gateway has no proxy entry', [`neigh del proxy ${gateway.ipv6} dev vif7.0`], proxies, {
    ask: toOutside6,
    names: /no proxy entry for it/,
  }),
  byIp('a sibling has no proxy entry', ['neigh del proxy fdd4:1476:6c7e::108 dev vif7.0'], proxies, {
    ask: toSibling6,
    names: /neighbour discovery for fdd4:1476:6c7e::108 on vif7\.0: there is no proxy entry/,
  }),
  bySysctl(
    'proxy_ndp is off',
    { 'net/ipv6/conf/vif7.0/proxy_ndp': 0 },
    { 'net/ipv6/conf/vif7.0/proxy_ndp': 1 },
    {
      ask: toOutside6,
      names: /proxy_ndp is 0/,
    },
  ),
  byIp('the uplink is down', ['link set uplink0 down'], uplinkAgain, {
    names: /there is no route to 198\.51\.100\.10/,
  }),
  {
    name: 'the uplink has no carrier',
    ask: toOutside,
    breakIt: ({ world }) => world.internet.ip('link set eth0 down'),
    mend: ({ world }) =>
      world.internet.ip('link set eth0 up', `address replace ${internetGateway.ipv6}/64 dev eth0 nodad`, ...waysBack),
    verdict: 'blocked',
    names: /uplink0 is up and has no carrier/,
  },
  {
    name: 'the next hop does not answer',
    ask: toOutside,
    breakIt: async ({ world: { host, internet } }) => {
      await internet.ip(`address del ${internetGateway.ipv4}/24 dev eth0`);
      await host.ip(`neigh replace ${internetGateway.ipv4} dev uplink0 nud failed`);
    },
    mend: ({ world }) => world.internet.ip(`address add ${internetGateway.ipv4}/24 dev eth0`, ...waysBack),
    verdict: 'undecided',
    names: /192\.0\.2\.2 did not answer on uplink0/,
  },
  {
    name: 'the outside knows no way back',
    ask: toOutside,
    breakIt: ({ world }) => world.internet.ip(`route add blackhole ${hostUplink.ipv4}/32`),
    mend: ({ world }) => world.internet.ip(`route del blackhole ${hostUplink.ipv4}/32`),
    verdict: 'passes',
    names: /nothing on this host/,
    beyond: true,
  },
  bySysctl(
    'dom0 ignores echo requests, which no rule says',
    { 'net/ipv4/icmp_echo_ignore_all': 1 },
    { 'net/ipv4/icmp_echo_ignore_all': 0 },
    {
      ask: toGateway,
      names: /icmp_echo_ignore_all is 1/,
    },
  ),
];
