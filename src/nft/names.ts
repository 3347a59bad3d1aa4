/** The names of everything of ours in nftables. SPEC fixes the chains in `filter`; the rest is inside our own table. */

import type { NftFamily } from '../host/port.ts';
import type { Family } from '../model/address.ts';

/** Ours alone: guard, mark, masquerade, and the sets they look into. */
export const ownTable = { family: 'inet', name: 'edera' } as const;

export const filterTable = 'filter';
export const forwardHookChain = 'FORWARD';
/** Holds the documented pair of accepts for each link. */
export const forwardChain = 'EDERA-FORWARD';
/** The operator's, evaluated before anything is accepted. Made by us, never filled or emptied. */
export const userChain = 'EDERA-USER';
/** The operator's, in our table, evaluated before zones are kept from dom0's services. Never emptied by us. */
export const userInputChain = 'user-input';

export const filterFamilies: Record<Family, NftFamily> = { ipv4: 'ip', ipv6: 'ip6' };

/** Per family: who may send from a link, who is reached by it, and which addresses are zones' at all. */
export const sets = {
  ipv4: { from: 'from4', to: 'to4', zone: 'zone4' },
  ipv6: { from: 'from6', to: 'to6', zone: 'zone6' },
} as const;

/** The links we serve, counting what each sent under a source that is not its own. */
export const spoofedSet = 'spoofed';

/** An empty chain in our table that remembers that we made `FORWARD` (and with it the table) in a family. */
export function madeForwardMarker(family: NftFamily): string {
  return `made-${family}-filter-forward`;
}

export function madeTableMarker(family: NftFamily): string {
  return `made-${family}-filter`;
}
