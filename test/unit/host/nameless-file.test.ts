import { closeSync, fstatSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { namelessFile, overwrite } from '../../../src/host/nameless-file.ts';

it('is read from its beginning by whoever inherits it', () => {
  const text = `${'é'.repeat(100_000)}\n`;
  const file = namelessFile(text);
  try {
    expect(readFileSync(file, 'utf8')).toBe(text);
  } finally {
    closeSync(file);
  }
});

it('holds the last script alone and nothing of those before, and does not stay as large as the largest', () => {
  const file = namelessFile('');
  try {
    for (const script of ['add element a\n', 'b\n', `${'c'.repeat(100_000)}\n`, 'd\n', '']) {
      expect(overwrite(file, script)).toBe(true);
      expect(readFileSync(`/proc/self/fd/${file}`, 'utf8').trimEnd()).toBe(script.trimEnd());
    }
    expect(fstatSync(file).size).toBeLessThan(10_000);
  } finally {
    closeSync(file);
  }
});
