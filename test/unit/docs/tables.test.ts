/** The tables of docs/log.md and docs/doctor.md are those that `npm run docs` writes, and what stands around them fits. */
import { describe, expect, it } from 'vitest';
import { pages } from '../../../scripts/docs/pages.ts';
import { journalNames } from '../../../src/cli/log-line.ts';
import { findings } from '../../../src/words/findings.ts';
import { logMessages } from '../../../src/words/log-messages.ts';
import { read, rowsBelow } from '../../lab/markdown.ts';

describe.each(Object.entries(pages))('%s', (path, render) => {
  const { text } = read(path);

  it('is what `npm run docs` writes', () => expect(text).toBe(render(text)));

  it('has words in each cell', () => {
    const rows = [...text.matchAll(/^\| (?!---)(.+) \|$/gm)].map(([, line = '']) => line.split(' | '));
    expect(rows.length).toBeGreaterThan(50);
    for (const row of rows) for (const cell of row) expect(cell.trim(), row.join()).not.toBe('');
  });
});

it('docs/log.md has each field and event by which the journal can be filtered', () => {
  const { text } = read('docs/log.md');
  const fields = rowsBelow(text, 'Filter with journalctl').map(([field = '']) => field.slice(1, -1));
  expect(fields).toEqual([...new Set(Object.values(journalNames))]);
  const [, events = ''] = /^Events: ([\s\S]*?)\n\n/m.exec(text) ?? [];
  const told = [...events.matchAll(/`([a-z-]+)`/g)].map(([, event = '']) => event);
  expect(new Set(told)).toEqual(new Set(Object.values(logMessages).map(({ event }) => event)));
});

it('docs/doctor.md has a heading for each check, in the order of the output', () => {
  const headings = [...read('docs/doctor.md').text.matchAll(/^## (.+)$/gm)].map(([, title = '']) => title);
  expect(headings).toEqual(Object.keys(findings));
});
