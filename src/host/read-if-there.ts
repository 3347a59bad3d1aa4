import { readFileSync } from 'node:fs';

/** A file's text; undefined where it is not there. */
export function readIfThere(path: string, read: (path: string) => string = readText): string | undefined {
  try {
    return read(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export function readNumberIfThere(path: string, read = readText): number | undefined {
  const text = readIfThere(path, read);
  return text === undefined ? undefined : Number(text);
}

function readText(path: string): string {
  return readFileSync(path, 'utf8');
}
