/** What the launcher says to Node: its line is the only place where the flags stand. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export function nodeFlags(): string[] {
  const launcher = readFileSync(join(import.meta.dirname, 'launcher'), 'utf8');
  const flags = /^set -- "\$lib\/node" (.*) "\$lib\/start\.cjs" "\$@"$/m.exec(launcher)?.[1];
  if (flags === undefined) throw new Error('the launcher has no line that starts Node');
  return flags.split(' ');
}
