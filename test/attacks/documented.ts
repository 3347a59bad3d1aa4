/** The zone-networking document's commands, word for word, for both families, and nothing else: what attacks are compared with. */
import { gateway, zoneSubnet } from '../lab/addresses.ts';
import type { World } from '../lab/world.ts';
import type { Zone } from '../lab/zone.ts';

const uplink = 'uplink0';

/** A static route, proxy ARP, the pair of accepts, masquerade; forwarding on, every other setting as the kernel has it. */
export async function wireAsDocumented({ host }: World, zones: readonly Zone[]): Promise<void> {
  await host.setSysctls({ 'net/ipv4/ip_forward': 1, 'net/ipv6/conf/all/forwarding': 1 });
  for (const [family, subnet] of [['ip', zoneSubnet.ipv4] as const, ['ip6', zoneSubnet.ipv6] as const]) {
    await host.nft(`
      add table ${family} filter
      add chain ${family} filter FORWARD { type filter hook forward priority 0; }
      add chain ${family} filter EDERA-FORWARD
      insert rule ${family} filter FORWARD counter jump EDERA-FORWARD
      add table ${family} nat
      add chain ${family} nat POSTROUTING { type nat hook postrouting priority 100; }
      add rule ${family} nat POSTROUTING oifname "${uplink}" ${family} saddr ${subnet.text} counter masquerade
      ${zones.map(({ link }) => pair(family, link)).join('\n')}`);
  }
  for (const { link, ipv4, ipv6 } of zones) {
    await host.setSysctls({ [`net/ipv4/conf/${link}/proxy_arp`]: 1, [`net/ipv6/conf/${link}/proxy_ndp`]: 1 });
    await host.ip(
      `link set ${link} up`,
      `route add ${ipv4}/32 dev ${link}`,
      `route add ${ipv6}/128 dev ${link}`,
      ...neighbourProxies(zones, link),
    );
  }
}

function pair(family: string, link: string): string {
  return `add rule ${family} filter EDERA-FORWARD oifname "${link}" counter accept
    add rule ${family} filter EDERA-FORWARD iifname "${link}" counter accept`;
}

/** IPv6 has no proxying of whatever there is a route to: each address is told. */
function neighbourProxies(zones: readonly Zone[], link: string): string[] {
  const others = zones.filter((zone) => zone.link !== link).map(({ ipv6 }) => String(ipv6));
  return [gateway.ipv6, ...others].map((address) => `neigh add proxy ${address} dev ${link}`);
}
