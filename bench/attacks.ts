/**
 * What gets out of a zone that lies: `npm run attacks [-- --rounds N] [--json]`, as root. Each attack of test/attacks is
 * made with the zone-networking document's commands alone, and with the daemon; ends with 1 where one gets through ours.
 *
 * "Got through": seen by a capture at the internet, at a sibling or in a socket of dom0. Where an attack is not meant to
 * travel, or did something else besides, what is different about dom0's routes, addresses and neighbours is counted.
 */
import { parseArgs } from 'node:util';
import { campaign, type Result } from '../test/attacks/campaign.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '10' }, json: { type: 'boolean' } } });
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds must be a whole number, 1 or more');

const documented = await campaign('documented', rounds);
const ours = await campaign('ours', rounds);
const rows = documented.map((baseline, place) => rowOf(baseline, ours[place]));
if (values.json === true) console.log(JSON.stringify({ rounds, attacks: rows }, null, 2));
else print();
process.exitCode = rows.every(({ ours: { through, changes } }) => through === 0 && changes.length === 0) ? 0 : 1;

interface Row {
  readonly group: string;
  readonly attack: string;
  readonly family: string;
  readonly sent: number;
  readonly documented: Part;
  readonly ours: Part;
}

interface Part {
  readonly through: number;
  readonly changes: readonly string[];
}

function rowOf(baseline: Result, own: Result | undefined): Row {
  const { attack, sent } = baseline;
  if (own?.attack !== attack) throw new Error(`${attack.name} was not tried with ours`);
  const part = ({ through, changes }: Result): Part => ({ through, changes });
  const { group, name, family } = attack;
  return { group, attack: name, family, sent, documented: part(baseline), ours: part(own) };
}

function print(): void {
  const lines = rows.map(({ group, attack, family, sent, documented: plain, ours: own }) => [
    `${group}: ${attack}`,
    family,
    String(sent),
    cell(plain),
    cell(own),
  ]);
  const head = ['attack', 'family', 'sent', 'through as documented', 'through ours'];
  const widths = head.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)));
  for (const line of [head, ...lines]) {
    const cells = line.map((text, column) =>
      column < 2 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0),
    );
    console.log(cells.join('  ').trimEnd());
  }
  console.log(`\n${summary('as documented', (row) => row.documented)}\n${summary('ours', (row) => row.ours)}`);
}

function cell({ through, changes }: Part): string {
  return changes.length === 0 ? String(through) : `${through}, ${changes.length} changes`;
}

function summary(title: string, partOf: (row: Row) => Part): string {
  const worked = rows.filter((row) => partOf(row).through > 0 || partOf(row).changes.length > 0).length;
  const packets = rows.reduce((sum, row) => sum + partOf(row).through, 0);
  const sent = rows.reduce((sum, row) => sum + row.sent, 0);
  return `${title}: ${worked} of ${rows.length} attacks worked, ${packets} of ${sent} packets got through`;
}
