import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import type { Status } from '../../../src/control/status.ts';
import { serving, statusOf, zoneOf } from '../control/support.ts';
import { place, program, run, start } from './support.ts';

test('prints what the daemon answers', async () => {
  const here = place();
  await serving({ socket: here.socket });
  const { code, stdout, stderr } = await run('status', ...here.options);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^protect-network 1\.2\.3: ready\n/);
  expect(stdout).toMatch(/\nvif7\.0 +web +10\.75\.0\.3 fdd4:1476:6c7e::3 +ready /);
  const json = await run('status', '--json', ...here.options);
  expect(JSON.parse(json.stdout)).toEqual(statusOf());
});

test('can be tried again where no daemon runs', async () => {
  const here = place();
  const { code, stdout, stderr } = await run('status', ...here.options);
  expect([code, stdout]).toEqual([75, '']);
  expect(stderr).toBe(
    `protect-network: protect-network is not running (no answer at ${here.socket}); start it with 'systemctl start protect-network'\n`,
  );
  expect((await run('status', '--watch', ...here.options)).code).toBe(75);
});

test('a broken settings file is not taken for a stopped daemon', async () => {
  const { code } = await run('status', ...place({ settings: 'broken' }).options);
  expect(code).toBe(78);
});

test('ends without a word when nobody reads any more', async () => {
  const here = place();
  const zones = Array.from({ length: 3000 }, (_, place) => zoneOf({ link: `vif${place + 1}.0`, ifindex: place + 1 }));
  await serving({ socket: here.socket, status: async () => statusOf({ zones }) });
  const child = start('status', ...here.options);
  child.stdout.once('data', () => child.stdout.destroy());
  const code = new Promise((resolve) => child.on('exit', resolve));
  expect([await text(child.stderr), await code]).toEqual(['', 0]);
});

test('watching through a pipe repeats, with rates, and survives a daemon that is away for a moment', async () => {
  const here = place();
  const answers = counting();
  const daemon = await serving({ socket: here.socket, status: answers });
  const child = start('status', '--watch', ...here.options);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const complaints = createInterface(child.stderr)[Symbol.asyncIterator]();
  await lineMatching(lines, / SENT +PACKETS /);
  await lineMatching(lines, / SENT\/S /);
  expect(await lineMatching(lines, /^vif7\.0 /)).toMatch(/ \d+(\.\d)? kB .* 0 B /);
  await daemon.close();
  await lineMatching(complaints, /^protect-network: protect-network is not running /);
  await serving({ socket: here.socket, status: answers });
  await lineMatching(lines, / SENT\/S /);
}, 20_000);

test.each<[string, Record<string, string>, string]>([
  [
    'a dumb terminal, no cursor moved, and a frame under the other',
    { TERM: 'dumb' },
    '\n\nprotect-network|So far[^]*So far',
  ],
  ['a terminal where colours are not wanted', { NO_COLOR: '1' }, 'q end '],
])(
  'watching on %s: no colour',
  async (_what, env, end) => {
    const here = place();
    await serving({ socket: here.socket });
    const command = `stty cols 40 rows 10; ${program} status --watch ${here.options.join(' ')}`;
    const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: 'pipe', env });
    onTestFinished(() => void child.kill('SIGKILL'));
    let screen = '';
    for await (const data of child.stdout) {
      screen += data;
      if (new RegExp(end).test(screen)) break;
    }
    expect(screen).toContain('protect-network 1.2.3: ready');
    expect(screen.includes('\x1b[32m')).toBe(false);
    expect(screen.includes('\x1b')).toBe(env['TERM'] !== 'dumb');
  },
  30_000,
);

/** A zone that sends 5 kB between any two answers, and receives nothing. */
function counting(): () => Promise<Status> {
  let bytes = 0;
  return async () => {
    bytes += 5000;
    return statusOf({ zones: [zoneOf({ sent: { packets: bytes / 100, bytes } })] });
  };
}

async function lineMatching(lines: AsyncIterator<string>, pattern: RegExp): Promise<string> {
  for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
    if (pattern.test(line.value)) return line.value;
  }
  throw new Error(`the output ended before a line like ${pattern}`);
}
