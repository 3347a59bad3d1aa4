/** Makes the namespaces for main.ts and runs it there. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { claimPrefix, destroyPrefix, directoryOf, sweepStale } from '../../lab/cleanup.ts';
import { ipBatch, run } from '../../lab/command.ts';
import { freshNamespaceLines } from '../../lab/fresh-namespace.ts';
import { sysctlLine } from '../../lab/namespace.ts';

const program = join(import.meta.dirname, 'main.ts');
/** A sequence takes about a second; one that fails, its patience. */
const msPerRun = 20_000;

/** `options` as main.ts has them. Throws with the sequence that failed; returns a line about what was done. */
export async function runOnRealKernel(runs: number, seed: number, options: readonly string[] = []): Promise<string> {
  sweepStale();
  const prefix = claimPrefix();
  const directory = directoryOf(prefix);
  mkdirSync(directory, { mode: 0o700 });
  const [here, alone, peers] = ['here', 'alone', 'peers'].map((name) => `${prefix}-${name}`) as [
    string,
    string,
    string,
  ];
  try {
    await ipBatch([
      ...[here, alone, peers].flatMap(freshNamespaceLines),
      sysctlLine(peers, { 'net/ipv6/conf/default/disable_ipv6': 1 }),
    ]);
    const places = ['--directory', directory, '--peers', peers, '--alone', alone];
    const args = [program, ...places, '--runs', String(runs), '--seed', String(seed), ...options];
    const result = await run('ip', ['netns', 'exec', here, process.execPath, ...args], {
      timeoutMs: 60_000 + runs * msPerRun,
    });
    if (result.exitCode !== 0) throw new Error(`${result.stdout}${result.stderr}`);
    return result.stdout.trim();
  } finally {
    destroyPrefix(prefix);
  }
}
