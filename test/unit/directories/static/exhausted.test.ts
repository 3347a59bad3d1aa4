/** Only a user namespace can be without inotify watches while the machine keeps its own. */
import { join } from 'node:path';
import { execa, execaSync } from 'execa';
import { expect, onTestFinished, test } from 'vitest';
import type { DirectorySnapshot } from '../../../../src/directories/zone-directory.ts';
import { eventually, replaceFile, temporaryDirectory } from '../../config/support.ts';

const fixture = join(import.meta.dirname, 'exhausted.fixture.ts');
const limits = ['max_inotify_watches', 'max_inotify_instances'];
const script = 'echo 0 > "/proc/sys/user/$1" && exec "$2" "$3" "$4"';
const unshare = ['--user', '--map-root-user', 'sh', '-c'];
const possible = !execaSync('unshare', [...unshare, 'test -w /proc/sys/user/max_inotify_watches'], { reject: false })
  .failed;

test.runIf(possible).each(limits)(
  'with %s exhausted, files are read each second, and it is said',
  async (limit) => {
    const path = temporaryDirectory();
    const child = execa('unshare', [...unshare, script, 'sh', limit, process.execPath, fixture, path], {
      reject: false,
    });
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await child;
    });
    const lines: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (text: string) => lines.push(...text.trimEnd().split('\n')));
    const latest = () =>
      lines.at(-1) === undefined ? undefined : (JSON.parse(lines.at(-1) ?? '') as DirectorySnapshot);

    const first = await eventually('the first snapshot', latest);
    expect(first.state).toBe('answered');
    expect(first.problems.join()).toContain('are only noticed once a second');
    replaceFile(join(path, 'vif1.0.toml'), 'ipv4 = "10.75.0.3"\n');
    await eventually('the file is read all the same', () => latest()?.entries[0]?.link === 'vif1.0');
  },
  15_000,
);
