/**
 * The name of a zone's link on the host: `vif<DOMID>.<DEVID>`, as xen-netback makes it.
 * Source of the bounds: domain ids end before DOMID_FIRST_RESERVED (0x7ff0, xen/include/public/xen.h), domain 0 is the
 * host; a link's name has at most 15 bytes (IFNAMSIZ less its NUL).
 */

export type LinkName = string & { readonly __brand: 'LinkName' };

const shape = /^vif([1-9]\d{0,4})\.(0|[1-9]\d*)$/;
const maxDomid = 32751;
/** Of any link. */
export const maxNameLength = 15;

/** The link name, or undefined where `text` is not exactly one: no leading zeros, no domain 0, no suffix such as `-emu`. */
export function parseLinkName(text: string): LinkName | undefined {
  if (text.length > maxNameLength) return undefined;
  const match = shape.exec(text);
  return match !== null && Number(match[1]) <= maxDomid ? (text as LinkName) : undefined;
}

export function isZoneLink(link: string | undefined): boolean {
  return link !== undefined && parseLinkName(link) !== undefined;
}

/** The link name of a domain's device, or undefined where the numbers are out of bounds. */
export function linkName(domid: number, devid: number): LinkName | undefined {
  return parseLinkName(`vif${domid}.${devid}`);
}

export function domidOf(name: LinkName): number {
  return Number(name.slice(3, name.indexOf('.')));
}
