import { readFileSync } from 'node:fs';

/** A file's text; undefined where it is not there. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export function readNumberIfThere(path: string): number | undefined {
  const text = readIfThere(path);
  return text === undefined ? undefined : Number(text);
}
