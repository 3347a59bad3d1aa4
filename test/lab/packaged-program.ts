/**
 * Vitest's global set-up of what runs the program: the bundle behind its launcher, as the package installs it. It starts
 * in a third of the time that the sources need, and what is tested is what operators run.
 */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { bundle } from '../../scripts/package/bundle.ts';
import { manifest } from '../../scripts/package/manifest.ts';
import { programVariable, repository } from './program.ts';

/** Returns what takes it away again. */
export default async function setUp(): Promise<() => void> {
  const prefix = mkdtempSync(join(tmpdir(), 'protect-network-program-'));
  // Some tests start it as somebody else.
  chmodSync(prefix, 0o755);
  process.env[programVariable] = await placeProgram(prefix);
  // Programs of the tests' own are started from their sources hundreds of times: reading these anew takes half of a start.
  process.env['NODE_COMPILE_CACHE'] = join(prefix, 'compiled');
  return () => rmSync(prefix, { recursive: true, force: true });
}

/** Installs the launcher and what it starts below `prefix`. Returns the launcher's path. */
export async function placeProgram(prefix: string): Promise<string> {
  const bundled = join(prefix, 'bundle');
  await bundle(bundled);
  for (const { to, from, executable } of manifest(repository, bundled, 0)) {
    if (typeof from === 'string' && /^(sbin|lib\/protect-network)\//.test(to))
      place(from, join(prefix, to), executable);
  }
  return join(prefix, 'sbin/protect-network');
}

function place(from: string, to: string, executable = false): void {
  mkdirSync(dirname(to), { recursive: true });
  // 120 MB that nothing changes.
  if (to.endsWith('/node')) symlinkSync(from, to);
  else {
    copyFileSync(from, to);
    chmodSync(to, executable ? 0o755 : 0o644);
  }
}
