/** docs/doctor.md has every finding that doctor can report, and none that it cannot. */
import { describe, expect, it } from 'vitest';
import { read } from '../../lab/markdown.ts';
import { checkNames, findings } from './finding-templates.ts';
import { fits } from './syntax.ts';

/** Findings whose words are made elsewhere than in a check. */
const knownIndirect = [
  // Warnings of the settings: docs/log.md has them.
  'files.ts text',
  'files.ts configProblem',
  // `uplink-names.ts` says it.
  'faults/settings.ts what',
  // `taken.ts` says it.
  'zones.ts reason',
  'zones.ts whyTaken(link, taken)',
];
/** Rows for these. */
const rowsOfIndirect = [
  'uplink.interfaces names NAME, and this host has no such interface',
  'FILE:N says SUBNET, both zones are in SUBNET',
  'WARNING OF THE DAEMON',
  'FILE does not exist: the default subnets SUBNET and SUBNET are used',
  'LINK is a port of bridge DEVICE',
];

const found = findings();
/** A template of hardly any words fits everything. */
const told = found.templates.filter(({ text }) => text.replaceAll(/[^a-z]/gi, '').length >= 5);
const { text: page } = read('docs/doctor.md');
const rows = [...page.matchAll(/^\| (?:BAD|WARNING|BAD or WARNING) \| `([^`]+)` \| .+ \| .+ \|$/gm)].map(
  ([, text = '']) => text,
);

describe('docs/doctor.md', () => {
  it('finds the checks', () => {
    expect(told.length).toBeGreaterThan(40);
    expect(rows.length).toBeGreaterThan(40);
  });

  it.each(told)('tells of "$text" ($file)', ({ text }) => {
    expect(rows.filter((row) => fits(text, row) || fits(`… is 1, and ${text}`, row))).not.toEqual([]);
  });

  it.each(rows.filter((row) => !rowsOfIndirect.includes(row)))('"%s" can be reported', (row) => {
    expect(found.templates.filter(({ text }) => fits(text, row))).not.toEqual([]);
  });

  it('knows where each finding is made that is not made in a check', () => {
    const indirect = found.indirect.map((each) => each.replace('doctor/checks/', ''));
    expect([...new Set(indirect)].sort()).toEqual(knownIndirect.toSorted());
  });

  it('has a heading for each check, in the order of the output', () => {
    const headings = [...page.matchAll(/^## (.+)$/gm)].map(([, title = '']) => title);
    expect(headings).toEqual(checkNames());
  });

  it('has every row in its form', () => {
    const lines = page.split('\n').filter((line) => /^\| (?!level|---)/.test(line));
    expect(lines).toHaveLength(rows.length);
    expect(new Set(rows).size).toBe(rows.length);
  });
});
