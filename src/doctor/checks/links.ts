/** Sizes: what a zone may send against what the uplink takes. */
import { fault } from '../../words/faults.ts';
import { findings } from '../../words/findings.ts';
import { type Judgement, ok } from '../finding.ts';
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
    ...tooSmall.map(({ name, mtu }) => fault(findings.mtu.belowIpv6, { link: name, n: mtu })),
    ...wider.map(({ name, mtu }) =>
      fault(findings.mtu.aboveUplink, { link: name, n: mtu, name: `${narrowest?.name}`, n2: `${narrowest?.mtu}` }),
    ),
  ];
  return judged.length > 0 || zones.length === 0 ? judged : [ok("zones' links are no wider than the uplink")];
}
