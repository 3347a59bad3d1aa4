/** `top` with a terminal of its own: keys, sizes, and the terminal given back however it ends. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';
import type { Status } from '../../../src/control/status.ts';
import { waitFor } from '../../lab/wait-for.ts';
import { serving, statusOf, zoneOf } from '../control/support.ts';
import { place, program } from './support.ts';

const zones = [
  zoneOf({ link: 'vif7.0', ifindex: 7, name: 'web' }),
  zoneOf({ link: 'vif8.0', ifindex: 8, name: 'db' }),
  zoneOf({ link: 'vif9.0', ifindex: 9, name: 'mail', state: 'unserved', reason: 'no zone directory knows it' }),
];
const enter = '\x1b[?1049h';
const leave = '\x1b[?25h\x1b[?1049l';

/** What stty(1) says of a terminal that a shell can use, behind the program's exit code. */
const givenBack = (code: number) => new RegExp(`^code ${code}\\n[\\s\\S]* icanon .* echo `, 'm');

test.each(['top', 'status --watch'])(
  '%s: select, a page, filter, sort, pause, help, end',
  async (command) => {
    const here = place();
    let bytes = 0;
    const counting = async (): Promise<Status> => {
      bytes += 5000;
      return statusOf({ zones: zones.map((zone) => ({ ...zone, sent: { packets: 1, bytes: bytes * zone.ifindex } })) });
    };
    await serving({ socket: here.socket, status: counting });
    const terminal = await onTerminal(`${command} ${here.options.join(' ')}`);
    await terminal.shows(/^> vif9\.0 {2}mail .*\n {2}vif7\.0 {2}web .*\n {2}vif8\.0 {2}db /m);
    await terminal.shows(/^ {2}vif8\.0 .* kB .*[▂-█]/m);
    terminal.types('\x1b[B');
    await terminal.shows(/^> vif7\.0 /m);
    terminal.types('\r');
    await terminal.shows(/^vif7\.0 web: ready for .*[\s\S]*^Sent +\d+(\.\d)? kB\/s;/m);
    terminal.types('\x1b');
    await terminal.shows(/^> vif7\.0 /m);
    terminal.types('s');
    await terminal.shows(/sorted by link\n.*\n> vif7\.0 .*\n {2}vif8\.0 /);
    terminal.types('r');
    await terminal.shows(/sorted by link, reversed\n.*\n {2}vif9\.0 .*\n {2}vif8\.0 .*\n> vif7\.0 /);
    terminal.types('/');
    terminal.types('MAI');
    await terminal.shows(/3 zones, 1 with 'MAI'[\s\S]*^> vif9\.0 .*\n[\s\S]*^filter: MAI_$/m);
    terminal.types('\x1b');
    await terminal.shows(/^ {2}vif8\.0 /m);
    terminal.types('p');
    await terminal.shows(/^Paused: as it was at /m);
    const held = bytes;
    terminal.types('p');
    await terminal.shows(/^3 zones, /m);
    await waitFor(() => bytes > held, { what: 'further answers' });
    terminal.types('?');
    await terminal.shows(/^Keys\n[\s\S]*Ctrl-Z/);
    terminal.types('q');
    expect(await terminal.ended).toMatch(givenBack(0));
  },
  40_000,
);

test('a terminal of another size has a screen of that size, down to 30 columns', async () => {
  const { terminal } = await watching();
  await terminal.shows(/ SENT\/S /);
  await execa('stty', ['-F', terminal.device, 'cols', '30', 'rows', '12']);
  // stty sets one after the other, and what is drawn in between has the old number of rows.
  const shows = (pattern: RegExp, rows: number) =>
    waitFor(
      async () => {
        const lines = (await terminal.shows(pattern)).split('\n');
        return lines.length === rows ? lines : undefined;
      },
      { what: `a screen of ${rows} rows` },
    );
  const narrow = await shows(/^ {2}ZONE +STATE +BYTES\/S\n> mail +unserved/m, 12);
  expect(Math.max(...narrow.map(({ length }) => length))).toBeLessThanOrEqual(30);
  await execa('stty', ['-F', terminal.device, 'cols', '132', 'rows', '40']);
  await shows(/ SENT\/S .* DIRECTORY/, 40);
}, 20_000);

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  'gives the terminal back after %s',
  async (signal) => {
    const here = place();
    await serving({ socket: here.socket, status: async () => statusOf({ zones }) });
    const terminal = await onTerminal(`top ${here.options.join(' ')}`);
    await terminal.shows(/^> vif9\.0 /m);
    process.kill(await terminal.pid(), signal);
    expect(await terminal.ended).toMatch(givenBack(0));
  },
  20_000,
);

test('ends where the terminal goes away', async () => {
  const { terminal } = await watching();
  const pid = await terminal.pid();
  terminal.vanish();
  await waitFor(() => !existsSync(`/proc/${pid}`), { what: `the end of process ${pid}` });
}, 20_000);

test('gives the terminal back after an error, and says which', async () => {
  const here = place();
  let isBroken = false;
  // Taken for a status, as far as that is looked at, and breaks who reads it.
  const broken = zoneOf({ dropped: null as unknown as ReturnType<typeof zoneOf>['dropped'] });
  const status = async () => statusOf({ zones: isBroken ? [broken] : zones });
  await serving({ socket: here.socket, status });
  const terminal = await onTerminal(`top ${here.options.join(' ')}`);
  await terminal.shows(/^> vif9\.0 /m);
  isBroken = true;
  const rest = await terminal.ended;
  expect(rest).toMatch(/^\r*\n*protect-network: internal error: /m);
  expect(rest).toMatch(givenBack(1));
}, 20_000);

test('stopped by Ctrl-Z the shell has its terminal, and fg brings the screen back', async () => {
  const { terminal } = await watching('echo stopped; stty -a; read -r word; echo "got $word"; fg;');
  terminal.types('j\x1a');
  await terminal.prints(/^stopped\n[\s\S]* icanon .* echo /m);
  terminal.types('words\n');
  await terminal.prints(/^got words$/m);
  await terminal.shows(/^> vif7\.0 /m);
  terminal.types('j');
  await terminal.shows(/^> vif8\.0 /m);
  terminal.types('q');
  expect(await terminal.ended).toMatch(givenBack(0));
}, 20_000);

test('a daemon that goes away is told of and waited for', async () => {
  const { here, daemon, terminal } = await watching();
  await daemon.close();
  await terminal.shows(/^protect-network is not running [\s\S]*^trying again every second$/m);
  await serving({ socket: here.socket, status: async () => statusOf({ zones }) });
  await terminal.shows(/^> vif9\.0 /m);
  terminal.types('\x03');
  expect(await terminal.ended).toMatch(givenBack(0));
}, 20_000);

/** `top` on a terminal, with the zones on its screen. */
async function watching(afterStop?: string) {
  const here = place();
  const daemon = await serving({ socket: here.socket, status: async () => statusOf({ zones }) });
  const terminal = await onTerminal(`top ${here.options.join(' ')}`, afterStop);
  await terminal.shows(/^> vif9\.0 /m);
  return { here, daemon, terminal };
}

interface Terminal {
  /** E.g. `/dev/pts/3`. */
  readonly device: string;
  types(keys: string): void;
  /** The screen as soon as it matches, without colours; blank at its end is kept. */
  shows(pattern: RegExp): Promise<string>;
  /** Waits for what stands outside of our screen. */
  prints(pattern: RegExp): Promise<void>;
  pid(): Promise<number>;
  vanish(): void;
  /** What came after the screen was left for the last time. */
  readonly ended: Promise<string>;
}

/** 80 columns and 24 rows, by script(1); `afterStop` is what the shell does when the program is stopped. */
async function onTerminal(command: string, afterStop = ''): Promise<Terminal> {
  const shell = `set -m; tty; stty cols 80 rows 24; ${program} ${command}; ${afterStop} echo "code $?"; stty -a`;
  const env = { PATH: process.env['PATH'], SHELL: '/bin/bash', TERM: 'xterm' };
  const child: ChildProcessWithoutNullStreams = spawn('script', ['-qec', shell, '/dev/null'], { stdio: 'pipe', env });
  onTestFinished(() => void child.kill('SIGKILL'));
  let all = '';
  child.stdout.setEncoding('utf8').on('data', (data) => {
    all += data;
  });
  const outside = () =>
    all
      .split(enter)
      .map((part) => part.split(leave).at(-1))
      .join('\n')
      .replaceAll('\r', '');
  const screen = () => {
    const last = all.split(enter).at(-1) ?? '';
    if (last.includes(leave)) return '';
    return stripVTControlCharacters(last.split('\x1b[H').at(-1) ?? '').replaceAll('\r', '');
  };
  const ended = new Promise<string>((resolve) => {
    child.on('close', () => resolve(all.split(leave).at(-1)?.replaceAll('\r', '') ?? ''));
  });
  const seen = async (read: () => string, pattern: RegExp) => {
    const probe = () => (pattern.test(read()) ? read() : undefined);
    const found = waitFor(probe, { what: String(pattern), deadlineMs: 8000 });
    return await found.catch(() => {
      expect(read()).toMatch(pattern);
      return read();
    });
  };
  await seen(() => all, /\/dev\/pts\/\d+/);
  const device = /\/dev\/pts\/\d+/.exec(all)?.[0] ?? '';
  return {
    device,
    types: (keys) => void child.stdin.write(keys),
    shows: (pattern) => seen(screen, pattern),
    prints: async (pattern) => void (await seen(outside, pattern)),
    async pid() {
      const { stdout } = await execa('ps', ['-t', device.replace('/dev/', ''), '-o', 'pid=,args=']);
      return Number(
        stdout
          .split('\n')
          .find((line) => /main\.ts|start\.cjs/.test(line))
          ?.trim()
          .split(' ')[0],
      );
    },
    vanish: () => void child.kill('SIGKILL'),
    ended,
  };
}
