/**
 * Tells what a pass gives zones in nftables, or takes from them, from what others took away or added. Pure.
 */
import type { ElementsCommand, NftCommand } from '../host/nft-command.ts';
import { families, familyOf } from '../model/address.ts';
import { everyPolicySet } from '../nft/layout-egress.ts';
import { filterFamilies } from '../nft/names.ts';
import type { DesiredZone } from './desired.ts';

/** Those commands that undo what others did: an element or a pair that was in force comes again, or one that was not goes. */
export function undoing(commands: readonly NftCommand[], before: Iterable<DesiredZone>): NftCommand[] {
  const had = keysOf(before);
  return commands.flatMap((command): readonly NftCommand[] => {
    switch (command.kind) {
      case 'add-elements':
        return withKeys(command, (key) => had.has(nameOf(command, key)));
      case 'delete-elements':
        return withKeys(command, (key) => !had.has(nameOf(command, key)));
      case 'accept-link':
        return had.has(`${command.family} ${command.link}`) ? [command] : [];
      case 'delete-rule':
        return command.pairOf !== undefined && had.has(`${command.family} ${command.pairOf}`) ? [] : [command];
      default:
        return [command];
    }
  });
}

function withKeys(command: ElementsCommand, isKept: (key: string) => boolean): readonly ElementsCommand[] {
  const keys = command.keys.filter(isKept);
  return keys.length === 0 ? [] : [{ ...command, keys }];
}

/** Keys of what policies allow may be in several sets; all others are as they are. */
function nameOf({ set }: ElementsCommand, key: string): string {
  return everyPolicySet.includes(set) ? `${set} ${key}` : key;
}

/** The keys of all their elements, and `ip vif7.0` for a pair of `ip filter`. */
function keysOf(zones: Iterable<DesiredZone>): Set<string> {
  const keys = new Set<string>();
  for (const { link, addresses, access } of zones) {
    keys.add(link);
    for (const [set, some] of access?.elements ?? []) for (const key of some) keys.add(`${set} ${key}`);
    for (const address of addresses) keys.add(address).add(`${link} ${address}`);
    for (const family of families)
      if (addresses.some((address) => familyOf(address) === family)) keys.add(`${filterFamilies[family]} ${link}`);
  }
  return keys;
}
