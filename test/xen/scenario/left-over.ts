/** What is left of a zone on the host. */

import { waitFor } from '../../lab/wait-for.ts';
import { mustRun, run } from './shell.ts';
import { patience } from './zone.ts';

/** Waits until nothing is named by these words, links and addresses; throws with what still is. */
export async function nothingLeft(words: readonly string[]): Promise<void> {
  let left: string[] = [];
  try {
    await waitFor(
      async () => {
        left = (await everything()).filter((line) => words.some((word) => names(line, word)));
        return left.length === 0;
      },
      { what: `nothing of ${words.join(' ')}`, ...patience, deadlineMs: 20_000 },
    );
  } catch (cause) {
    throw new Error(`left behind: ${left.join('; ')}`, { cause });
  }
}

async function everything(): Promise<string[]> {
  const texts = await Promise.all([
    mustRun('nft', ['list', 'ruleset']),
    ...['4', '6'].map((family) => mustRun('ip', [`-${family}`, 'route', 'show', 'table', 'all'])),
    mustRun('ip', ['-6', 'neighbour', 'show', 'proxy']),
    mustRun('ip', ['link', 'show']),
    run('conntrack', ['-L']).then(({ stdout }) => stdout),
    run('conntrack', ['-L', '-f', 'ipv6']).then(({ stdout }) => stdout),
  ]);
  const lines = texts.flatMap((text) => text.split('\n').map((line) => line.trim()));
  // What packets themselves have put into a set, which forgets it after a minute. Newer nft leaves a set's own timeout out.
  return lines.map((line) => line.replaceAll(/[^{,]* expires [^,}]*/g, ''));
}

/** As a whole word: 10.75.0.3 is not in 10.75.0.30. */
function names(line: string, word: string): boolean {
  const escaped = word.replaceAll('.', '\\.');
  return new RegExp(`(?<![0-9a-f.:])${escaped}(?![0-9a-f:]|\\.\\d)`).test(line);
}
