/** What is seen of work that takes longer than a second: something on a terminal, nothing in a log. */
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';

const program = `import { withProgress } from '${join(import.meta.dirname, '../../../scripts/progress.ts')}';
  const done = await withProgress('packing', () => new Promise((resolve) => setTimeout(() => resolve('done'), 1500)));
  console.log(done);`;
const node = [process.execPath, '--input-type=module-typescript', '--disable-warning=ExperimentalWarning'];

it('the seconds stand on a terminal while it takes, and go', async () => {
  const command = [...node, '--eval', `'${program.replaceAll("'", '"')}'`].join(' ');
  const { stdout } = await execa('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    env: { TERM: 'xterm', SHELL: '/bin/sh' },
  });
  expect(stdout).toContain('\r\u001b[Kpacking … 1 s\r\u001b[Kdone');
});

it('nothing of it is in a log', async () => {
  const [file = '', ...args] = node;
  const { stdout, stderr } = await execa(file, [...args, '--eval', program]);
  expect([stdout, stderr]).toEqual(['done', '']);
});
