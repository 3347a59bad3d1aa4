/** Sizes: what a zone may send against what the uplink takes. */
import { bad, type Judgement, ok, warning } from '../finding.ts';
import { type Snapshot, subnetsOf, uplinksOf, zoneLinks } from '../host-snapshot.ts';

/** RFC 8200, section 5. Below it the kernel switches IPv6 off on the link. */
const leastIpv6Mtu = 1280;

export function checkMtu(snapshot: Snapshot): Judgement[] {
  const zones = zoneLinks(snapshot);
  const families = subnetsOf(snapshot).map(({ family }) => family);
  const names = new Set(families.flatMap((family) => uplinksOf(snapshot, family)));
  const uplinks = snapshot.links.filter(({ name }) => names.has(name));
  const tooSmall = (families.includes('ipv6') ? [...zones, ...uplinks] : []).filter(({ mtu }) => mtu < leastIpv6Mtu);
  const [narrowest] = [...uplinks].sort((a, b) => a.mtu - b.mtu);
  const wider = narrowest === undefined ? [] : zones.filter(({ mtu }) => mtu > narrowest.mtu);
  const judged = [
    ...tooSmall.map(({ name, mtu }) =>
      bad(
        `${name} has an MTU of ${mtu}, less than the ${leastIpv6Mtu} of IPv6`,
        'the kernel switches IPv6 off on such a link',
        `ip link set dev ${name} mtu ${leastIpv6Mtu}, or more`,
      ),
    ),
    ...wider.map(({ name, mtu }) =>
      warning(
        `${name} has an MTU of ${mtu}, and the uplink ${narrowest?.name} of ${narrowest?.mtu}`,
        'large packets of the zone depend on ICMP to be made smaller; where that is filtered, connections hang',
        `set the MTU of the zone's own interface to ${narrowest?.mtu}, and: ip link set dev ${name} mtu ${narrowest?.mtu}`,
      ),
    ),
  ];
  return judged.length > 0 || zones.length === 0 ? judged : [ok("zones' links are no wider than the uplink")];
}
