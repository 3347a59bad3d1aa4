/** What a repair put back in nftables, in a few words for each thing. Pure. */
import type { NftCommand } from '../host/nft-command.ts';
import { forwardHookChain } from './names.ts';
import { leadsToOurs } from './placement.ts';
import { tableKey } from './ruleset.ts';

/** E.g. `our jump in ip filter FORWARD`, `the table inet edera`, `2 elements of inet edera from4`. */
export function summarise(commands: readonly NftCommand[]): string[] {
  const made = commands.filter(({ kind }) => kind === 'add-table').map(placeOf);
  const things = new Map<string, number>();
  const note = (what: string, much = 1) => things.set(what, (things.get(what) ?? 0) + much);
  for (const table of made) note(`the table ${table}`);
  for (const command of commands) {
    // What a table holds that is made anew needs no word of its own.
    if (!made.includes(placeOf(command))) noteCommand(note, command);
  }
  return [...things].map(([what, much]) =>
    what.startsWith('the ') || what.startsWith('our ') ? what : `${much} ${what}`,
  );
}

function noteCommand(note: (what: string, much?: number) => void, command: NftCommand): void {
  const place = placeOf(command);
  switch (command.kind) {
    case 'add-chain':
      note(`the chain ${place} ${command.chain}`);
      break;
    case 'add-set':
      note(`the set ${place} ${command.set}`);
      break;
    // A zone is in several sets; whoever took it out of one set is told by that set's name.
    case 'add-elements':
      note(`elements of ${place} ${command.set}`, command.keys.length);
      break;
    case 'delete-elements':
      note(`superfluous elements of ${place} ${command.set}`, command.keys.length);
      break;
    case 'accept-link':
      note(`rules of ${place} ${command.chain}`);
      break;
    case 'add-rule':
    case 'insert-rule':
      note(`${leadsToOurs(command.expr) ? 'our jump in' : 'rules of'} ${place} ${command.chain}`);
      break;
    case 'delete-rule':
      if (command.chain !== forwardHookChain) note(`superfluous rules of ${place} ${command.chain}`);
  }
}

function placeOf({ family, table }: NftCommand): string {
  return tableKey(family, table);
}
