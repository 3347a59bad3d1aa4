import { closeSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { namelessFile } from '../../../src/host/nameless-file.ts';

it('is read from its beginning by whoever inherits it', () => {
  const text = `${'é'.repeat(100_000)}\n`;
  const file = namelessFile(text);
  try {
    expect(readFileSync(file, 'utf8')).toBe(text);
  } finally {
    closeSync(file);
  }
});
