/** The commands of our documentation, for tests that run them as they stand. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './daemon.ts';
import type { Namespace } from './namespace.ts';

const block = /^```sh\n# (.+)\n([\s\S]*?)^```$/gm;

/** The block of `docs/firewalls.md` whose first line is the comment `title`. */
export function documented(title: string): string {
  const text = readFileSync(join(repository, 'docs/firewalls.md'), 'utf8');
  const found = [...text.matchAll(block)].find(([, comment]) => comment === title)?.[2];
  if (found === undefined) throw new Error(`docs/firewalls.md has no commands titled: ${title}`);
  return found;
}

/** Types lines into a shell, as a reader would; the first that fails throws. */
export async function type(host: Namespace, lines: string): Promise<void> {
  await host.mustExec('sh', ['-e', '-c', lines]);
}
