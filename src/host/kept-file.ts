/** Files under /proc/sys that are read in each pass: finding one takes ten times as long as reading it, so they stay open. */
import { closeSync, openSync, readSync } from 'node:fs';

const descriptors = new Map<string, number>();
const bytes = Buffer.alloc(64);

/** What it holds now; throws as `readFileSync` does. Of short files only, and of those that are one for the whole network namespace. */
export function readKept(path: string): string {
  const known = descriptors.get(path);
  if (known !== undefined) {
    try {
      return readFrom(known);
    } catch {
      // Its module was unloaded, and may have been loaded again since.
      closeSync(known);
      descriptors.delete(path);
    }
  }
  const descriptor = openSync(path, 'r');
  descriptors.set(path, descriptor);
  return readFrom(descriptor);
}

function readFrom(descriptor: number): string {
  return bytes.toString('utf8', 0, readSync(descriptor, bytes, 0, bytes.length, 0));
}
