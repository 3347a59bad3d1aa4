/** Looks into /proc at processes that may end meanwhile. */
import { readFileSync } from 'node:fs';

/** What `look` returns; `otherwise` where the process has ended. */
export function unlessGone<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return otherwise;
    throw error;
  }
}

/** A file's text, empty where the process has ended. */
export function readUnlessGone(file: string): string {
  return unlessGone(() => readFileSync(file, 'utf8'), '');
}
