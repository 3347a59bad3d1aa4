import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { readDaemonFiles } from '../../../src/cli/daemon-files.ts';

it('a policy that cannot be read is named, with what a daemon that runs does meanwhile', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'protect-network-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const [settings, policies] = [join(directory, 'settings.toml'), join(directory, 'policy.d')];
  mkdirSync(policies, { mode: 0o755 });
  writeFileSync(settings, `[policy]\ndir = "${policies}"\n`, { mode: 0o644 });
  writeFileSync(join(policies, 'a.toml'), '[[policy]]\nzones = ["web"]\negress.allow = ["nothing"]\n', { mode: 0o644 });
  const paths = { config: join(directory, 'daemon.toml'), settings };
  await expect(readDaemonFiles(paths)).rejects.toThrow(
    /a\.toml:3:17: .*a daemon that runs keeps what it has read before/s,
  );
  writeFileSync(join(policies, 'a.toml'), '');
  expect((await readDaemonFiles(paths)).policies).toEqual([]);
});
