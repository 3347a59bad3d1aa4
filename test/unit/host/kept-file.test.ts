import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readKept } from '../../../src/host/kept-file.ts';

describe('a file that is kept open', () => {
  let directory: string;
  beforeAll(() => (directory = mkdtempSync(join(tmpdir(), 'protect-network-kept-'))));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('is read anew each time', () => {
    const path = join(directory, 'value');
    writeFileSync(path, '0\n');
    expect(readKept(path)).toBe('0\n');
    writeFileSync(path, '1\n');
    expect(readKept(path)).toBe('1\n');
  });

  it('is looked for again each time while it is not there', () => {
    const path = join(directory, 'later');
    expect(() => readKept(path)).toThrow(/ENOENT/);
    writeFileSync(path, '262144\n');
    expect(readKept(path)).toBe('262144\n');
  });
});
