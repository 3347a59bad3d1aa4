/** Links that are a guest's, or look like one's, and that no zone directory can name: what they are, and what to do. Pure. */
import type { AskedDirectory } from '../directories/zone-directory.ts';
import type { Link } from '../host/port.ts';
import { type Fault, notice } from '../model/fault.ts';
import { isZoneLink, type LinkName, linkName, maxNameLength, parseLinkName } from '../model/link-name.ts';
import { shellWord } from '../model/shell.ts';
import type { HostLink } from '../nft/layout-model.ts';
import { fault, faults } from '../words/faults.ts';
import { say } from '../words/say.ts';
import { hostWarnings } from '../words/warnings.ts';

/** What tells whose link it is. */
export type Known = Pick<Link, 'name' | 'kind' | 'bus' | 'device'>;

/** True for zones' links, and for what the guard takes for one (`anyZoneLink` of the layout). */
export function isCalledLikeZones(name: string): boolean {
  return name.startsWith('vif');
}

/** True for a guest's link that the guard does not know by its name; `before`: the zone link's name that it had, if any. */
export function isGuestElsewhere(link: Known, before: LinkName | undefined): boolean {
  return !isCalledLikeZones(link.name) && isRenamed(link, before);
}

/**
 * A link that is called like zones' and is certainly none: the kernel knows its kind, which xen-netback's links have not, nor is it
 * a tap, which may be an emulated card.
 */
export function hostLinkOf(link: Known, before: LinkName | undefined): HostLink | undefined {
  const { name, kind } = link;
  if (kind === undefined || kind === 'tun' || !isCalledLikeZones(name)) return undefined;
  if (guestShape.test(name) || isRenamed(link, before)) return undefined;
  return wordShape.test(name) && wordShape.test(kind) ? { name, kind } : undefined;
}

/** Also with numbers that no zone's link has. */
const guestShape = /^vif\d+\.\d+|-emu$/;
/** What a rule can name; no wildcard of nft's. */
const wordShape = /^[\w.-]{1,15}$/;

/** True for a guest's link that is not called as Xen calls it. */
function isRenamed({ name, bus }: Known, before: LinkName | undefined): boolean {
  return !isZoneLink(name) && (before !== undefined || bus === 'xen-backend');
}

/** qemu makes a second link for an HVM guest's card, a tap that nothing but its name tells of (libxl, TAP_DEVICE_SUFFIX). */
export function withEmulated(name: string): string[] {
  const emulated = `${name}-emu`;
  return emulated.length > maxNameLength ? [name] : [name, emulated];
}

/** xen-netback's device is `vif-DOMID-DEVID`, whatever its link is called (xenbus_probe_backend.c, backend_bus_id). */
function zoneLinkOf({ device }: Known, before: LinkName | undefined): LinkName | undefined {
  const [, domid, devid] = /^vif-(\d+)-(\d+)$/.exec(device ?? '') ?? [];
  return domid === undefined ? before : linkName(Number(domid), Number(devid));
}

/** `formerly`: the zone links' names that links had before somebody renamed them, by ifindex. */
export function strangeLinks(
  links: Iterable<Link>,
  formerly: ReadonlyMap<number, LinkName>,
  directories: readonly AskedDirectory[],
): Fault[] {
  return [...links].flatMap((link) => strangeLink(link, formerly.get(link.ifindex), directories) ?? []);
}

/** The fault of one that is called `name`, or that would be called so by Xen. */
export function strangeLinkCalled(name: string, links: readonly Known[]): Fault | undefined {
  const link =
    links.find((each) => each.name === name) ??
    links.find((each) => isRenamed(each, undefined) && zoneLinkOf(each, undefined) === name);
  return link && strangeLink(link, undefined, []);
}

function strangeLink(
  link: Known,
  before: LinkName | undefined,
  directories: readonly AskedDirectory[],
): Fault | undefined {
  const { name } = link;
  if (isRenamed(link, before)) return renamedLink(name, zoneLinkOf(link, before), directories);
  const [emulated] = /^(vif\d+\.\d+)-emu$/.exec(name)?.slice(1) ?? [];
  if (emulated !== undefined && parseLinkName(emulated) !== undefined) {
    return { ...notice(say(hostWarnings.emulatedCard, { name, link: emulated })), links: [name] };
  }
  if (isZoneLink(name) || !isCalledLikeZones(name) || hostLinkOf(link, before) !== undefined) return undefined;
  return notice(say(hostWarnings.likeZone, { name }));
}

function renamedLink(name: string, link: LinkName | undefined, directories: readonly AskedDirectory[]): Fault {
  if (link === undefined) return { ...fault(faults.renamedUnknown, { name }), links: [name] };
  const level = isWanted(link, directories) ? 'bad' : 'warning';
  return { ...fault(faults.renamedLink, { name, name2: shellWord(name), link }, level), links: [name, link] };
}

/** A zone directory gives it an address, or has an entry for it that cannot be used. */
function isWanted(zone: LinkName, directories: readonly AskedDirectory[]): boolean {
  return directories.some(({ snapshot }) =>
    snapshot.entries.some(({ link, addresses, unusable }) => link === zone && (addresses.length > 0 || unusable)),
  );
}
