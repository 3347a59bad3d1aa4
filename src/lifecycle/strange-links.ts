/** Links that are a guest's, or look like one's, and that no zone directory can name: what they are, and what to do. Pure. */
import type { Link } from '../host/port.ts';
import { isZoneLink, parseLinkName } from '../model/link-name.ts';
import { say } from '../words/say.ts';
import { hostWarnings } from '../words/warnings.ts';

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
    if (before !== undefined) return [say(hostWarnings.formerName, { name, link: before })];
    if (isGuestElsewhere(link, before)) return [say(hostWarnings.otherName, { name })];
    const [emulated] = /^(vif\d+\.\d+)-emu$/.exec(name)?.slice(1) ?? [];
    if (emulated !== undefined && parseLinkName(emulated) !== undefined) {
      return [say(hostWarnings.emulatedCard, { name, link: emulated })];
    }
    return isCalledLikeZones(name) ? [say(hostWarnings.likeZone, { name })] : [];
  });
}
