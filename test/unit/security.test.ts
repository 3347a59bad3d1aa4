/** SECURITY.md names the test behind each promise: those tests are there, under these titles. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const text = readFileSync(join(root, 'SECURITY.md'), 'utf8');
const cited = [...text.matchAll(/`(test\/[^`]+\.test\.ts)`:\s+“([^”]+)”/g)].map(([, file, title]) => [file, title]);

it('names tests, in one form only', () => {
  expect(cited.length).toBeGreaterThan(20);
  // Every title is part of a citation that was understood.
  expect(text.match(/“/g)).toHaveLength(cited.length);
});

it.each(cited)('%s has “%s”', (file = '', title = '') => {
  const path = join(root, file);
  expect(existsSync(path)).toBe(true);
  expect(readFileSync(path, 'utf8')).toContain(`'${title}',`);
});
