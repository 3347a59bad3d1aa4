/**
 * Tells what a pass gives zones in nftables, or takes from them, from what others took away or added. Pure.
 */
import type { ElementsCommand, NftCommand } from '../host/nft-command.ts';
import { families, familyOf } from '../model/address.ts';
import { filterFamilies } from '../nft/names.ts';
import { eachElement } from '../nft/plan.ts';
import type { DesiredZone } from './desired.ts';

/** Those commands that undo what others did: an element or a pair that was in force comes again, or one that was not goes. */
export function undoing(commands: readonly NftCommand[], before: Iterable<DesiredZone>): NftCommand[] {
  const had = keysOf(before);
  return commands.flatMap((command): readonly NftCommand[] => {
    switch (command.kind) {
      case 'add-elements':
        return withKeys(command, (key) => had.has(`${command.set} ${key}`));
      case 'delete-elements':
        return withKeys(command, (key) => !had.has(`${command.set} ${key}`));
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

/** `from4 vif7.0 10.75.0.3` for an element, and `ip vif7.0` for a pair of `ip filter`. */
function keysOf(zones: Iterable<DesiredZone>): Set<string> {
  const keys = new Set<string>();
  for (const zone of zones) {
    const { link, addresses } = zone;
    eachElement(zone, (set, key) => keys.add(`${set} ${key}`));
    for (const family of families)
      if (addresses.some((address) => familyOf(address) === family)) keys.add(`${filterFamilies[family]} ${link}`);
  }
  return keys;
}
