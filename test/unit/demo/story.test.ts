/** The demo's words on a small terminal. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { expect, test, vi } from 'vitest';
import { Story } from '../../../demo/story.ts';

const claim = 'the daemon restores everything and names the program that took it away';
const seen = 'nft (812) of sh (811) changed the table inet edera; put back after 12 ms';

test.each([30, 60, 80])(
  'break between words at %d columns, and have no colour where NO_COLOR is set',
  async (columns) => {
    vi.stubEnv('NO_COLOR', '1');
    const plain = await told(columns);
    vi.stubEnv('NO_COLOR', undefined);
    const coloured = await told(columns);
    vi.unstubAllEnvs();
    expect(coloured).not.toBe(plain);
    expect(stripVTControlCharacters(coloured)).toBe(plain);
    expect(plain.split('\n').filter((line) => line.length > columns)).toEqual([]);
    const words = `${claim} · ${claim} ✓ ${claim} ${seen} ✗ ${claim}: no answer`;
    expect(plain.split(/\s+/).filter((word) => word !== '')).toEqual(words.split(' '));
  },
);

test.each([
  [['--help'], 0, 'stdout'],
  [['-h'], 0, 'stdout'],
  [['--bogus'], 2, 'stderr'],
] as const)('%j is answered by its usage', (args, code, stream) => {
  const main = join(import.meta.dirname, '../../../demo/main.ts');
  const outcome = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
    encoding: 'utf8',
  });
  expect([outcome.status, outcome[stream]]).toEqual([code, expect.stringMatching(/^Usage: npm start \[-- --once\]$/m)]);
  expect(outcome.stderr).not.toMatch(/^ +at /m);
});

async function told(columns: number): Promise<string> {
  let text = '';
  const write = (chunk: Uint8Array | string) => {
    text += chunk;
    return true;
  };
  const story = new Story({ isTTY: true, columns, write }, 0);
  await story.title(claim);
  story.fact(claim);
  await story.check(claim, async () => seen);
  await story.check(claim, () => Promise.reject(new Error('no answer')));
  expect(story.failed).toBe(true);
  return text;
}
