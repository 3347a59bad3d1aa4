/** Temporary directories that go away with their test, and waiting for a state with a deadline. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { ProtectNetworkError } from '../../../src/model/errors.ts';

/** A directory of mode 0700 that is removed when the test ends, however it ends. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'protect-network-config-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Writes beside and renames into place, as careful editors do. */
export function replaceFile(path: string, text: string): void {
  const temporary = join(dirname(path), `.${basename(path)}.tmp`);
  writeFileSync(temporary, text, { mode: 0o644 });
  renameSync(temporary, path);
}

/** Resolves with the first value of `look` that is not undefined or false; fails after `milliseconds` saying what was awaited. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | false,
  milliseconds = 20_000,
): Promise<T> {
  const deadline = performance.now() + milliseconds;
  for (;;) {
    const value = look();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`not within ${milliseconds} ms: ${what}`);
    await sleep(2);
  }
}

/** The error of ours that `action` throws; anything else, or nothing, fails the test. */
export function errorOf(action: () => unknown): ProtectNetworkError {
  try {
    action();
  } catch (error) {
    if (error instanceof ProtectNetworkError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
