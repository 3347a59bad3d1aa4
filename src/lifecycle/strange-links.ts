/** Links that are a guest's, or look like one's, and that no zone directory can name: what they are, and what to do. Pure. */
import type { Link } from '../host/port.ts';
import { isZoneLink, parseLinkName } from '../model/link-name.ts';

/** True for zones' links, and for what the guard takes for one (`anyZoneLink` of the layout). */
export function isCalledLikeZones(name: string): boolean {
  return name.startsWith('vif');
}

/** True for a guest's link that the guard does not know by its name; `before`: the zone link's name that it had, if any. */
export function isGuestElsewhere({ name, bus }: Link, before: string | undefined): boolean {
  return !isCalledLikeZones(name) && (before !== undefined || bus === 'xen-backend');
}

/** `formerly`: the zone links' names that links had before somebody renamed them, by ifindex. */
export function strangeLinks(links: Iterable<Link>, formerly: ReadonlyMap<number, string>): string[] {
  return [...links].flatMap((link) => {
    const { ifindex, name } = link;
    if (isZoneLink(name)) return [];
    const before = formerly.get(ifindex);
    if (before !== undefined)
      return [
        `${name} was ${before} until it was renamed (vifname): it has no network, and what it sends is dropped; leave vifname out of the guest's vif line`,
      ];
    if (isGuestElsewhere(link, before))
      return [
        `${name} is a guest's link under another name (vifname): it has no network, and what it sends is dropped; leave vifname out of its vif line`,
      ];
    const [emulated] = /^(vif\d+\.\d+)-emu$/.exec(name)?.slice(1) ?? [];
    if (emulated !== undefined && parseLinkName(emulated) !== undefined) {
      return [
        `${name} is the emulated card of an HVM guest: it has no network, and what it sends is dropped; the guest has one by ${emulated}, with a Xen network driver`,
      ];
    }
    const what = `${name} is filtered like a link of zones, for its name begins with vif: what it sends is dropped as spoofed; give it another name`;
    return isCalledLikeZones(name) ? [what] : [];
  });
}
