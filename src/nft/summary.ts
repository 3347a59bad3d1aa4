/** What a repair put back in nftables, in a few words for each thing. Pure. */
import type { NftCommand } from '../host/port.ts';
import { dropCounts, forwardHookChain, sets } from './names.ts';
import { leadsToOurs } from './placement.ts';

type Fields = Readonly<Record<string, unknown>>;

/** E.g. `our jump in ip filter FORWARD`, `the table inet edera`, `2 elements of inet edera from4`. */
export function summarise(commands: readonly NftCommand[]): string[] {
  const tables = new Set(commands.flatMap((command) => nameOf(command, 'add', 'table')));
  const things = new Map<string, number>();
  const note = (what: string, much = 1) => things.set(what, (things.get(what) ?? 0) + much);
  for (const table of tables) note(`the table ${table}`);
  for (const command of commands) {
    const [[verb, object] = ['', {}]] = Object.entries(command);
    const [[kind, value] = ['', {}]] = Object.entries(object) as [string, Fields][];
    const place = `${String(value['family'])} ${String(value['table'])}`;
    // What a table holds that is made anew needs no word of its own.
    if (kind === 'table' || tables.has(place)) continue;
    if (kind === 'element') noteElements(note, verb, place, value);
    else if (kind === 'rule') noteRule(note, verb, place, value);
    else if (verb === 'add') note(`the ${kind} ${place} ${String(value['name'])}`);
  }
  return [...things].map(([what, much]) =>
    what.startsWith('the ') || what.startsWith('our ') ? what : `${much} ${what}`,
  );
}

type Note = (what: string, much?: number) => void;

/** A zone is in several sets; whoever took it out of one set is told by that set's name. */
function noteElements(note: Note, verb: string, place: string, value: Fields): void {
  const much = Array.isArray(value['elem']) ? value['elem'].length : 1;
  const known = new Set<unknown>([
    ...Object.values(sets).flatMap((each) => Object.values(each)),
    ...Object.values(dropCounts),
  ]);
  if (!known.has(value['name'])) return;
  note(`${verb === 'delete' ? 'superfluous ' : ''}elements of ${place} ${String(value['name'])}`, much);
}

function noteRule(note: Note, verb: string, place: string, value: Fields): void {
  const chain = String(value['chain']);
  if (verb !== 'delete')
    note(leadsToOurs(value['expr']) ? `our jump in ${place} ${chain}` : `rules of ${place} ${chain}`);
  else if (chain !== forwardHookChain) note(`superfluous rules of ${place} ${chain}`);
}

function nameOf(command: NftCommand, verb: string, kind: string): string[] {
  const value = command[verb]?.[kind] as { family?: unknown; name?: unknown } | undefined;
  return value === undefined ? [] : [`${String(value.family)} ${String(value.name)}`];
}
