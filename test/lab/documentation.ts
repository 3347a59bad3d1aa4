/** The commands of our documentation, for tests that run them as they stand. */
import { blocksIn, read } from './markdown.ts';
import type { Namespace } from './namespace.ts';

/** The block of a page whose first line is the comment `title`. */
export function documented(title: string, page = 'docs/firewalls.md'): string {
  const found = blocksIn(read(page).text).find(({ language, text }) => {
    return language === 'sh' && text.startsWith(`# ${title}\n`);
  });
  if (found === undefined) throw new Error(`${page} has no commands titled: ${title}`);
  return found.text.slice(`# ${title}\n`.length);
}

/** Types lines into a shell, as a reader would; the first that fails throws. */
export async function type(host: Namespace, lines: string): Promise<void> {
  await host.mustExec('sh', ['-e', '-c', lines]);
}
