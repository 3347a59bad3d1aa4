/** What root executes depends on where the launcher stands, and on nothing else. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const repository = join(import.meta.dirname, '../../..');
/** Each with the Node that it starts, and the file that it gives to it. */
const launchers = [
  {
    launcher: 'bin/protect-network',
    place: 'bin',
    node: 'node_modules/.bin/node',
    file: 'src/cli/main.ts',
  },
  {
    launcher: 'scripts/package/launcher',
    place: 'sbin',
    node: 'lib/protect-network/node',
    file: 'lib/protect-network/start.cjs',
  },
];
let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'protect-network-launcher-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe.each(launchers)('$launcher', ({ launcher, place, node, file }) => {
  it('passes on nothing of the environment but what the service manager says', async () => {
    const program = install('echo "arguments: $*"; exec /usr/bin/env');
    const env = { ...hostile(), WATCHDOG_USEC: '30000000', WATCHDOG_PID: '1' };
    const { stdout } = await execa(program, ['status', 'a b'], { env, extendEnv: false, cwd: join(directory, 'evil') });
    const [args, ...lines] = stdout.split('\n');
    expect(args).toMatch(new RegExp(`${file} status a b$`));
    // What the launcher sets itself, and what the shell that stands for Node here adds of its own.
    const own = lines.filter((line) => !/^(MALLOC_ARENA_MAX=1$|(PWD|_|OLDPWD|SHLVL)=)/.test(line));
    expect(own.sort()).toEqual(['WATCHDOG_PID=1', 'WATCHDOG_USEC=30000000']);
  });

  it('passes on whether colours are wanted, and none of the words', async () => {
    const program = install('exec /usr/bin/env');
    const said = async (env: Record<string, string>) => {
      const { stdout } = await execa(program, [], { env: { ...hostile(), ...env }, extendEnv: false });
      return stdout.split('\n').filter((line) => /COLOR|TERM/.test(line));
    };
    expect(await said({ NO_COLOR: 'yes\nNODE_OPTIONS=x', TERM: 'dumb' })).toEqual(['NO_COLOR=1', 'TERM=dumb']);
    expect(await said({ TERM: 'linux' })).toEqual(['TERM=linux']);
    expect(await said({ NO_COLOR: '', TERM: 'xterm-256color' })).toEqual([]);
  });

  it('passes on where the service manager and the journal listen, to the process that it becomes', async () => {
    const program = install('echo "$NOTIFY_SOCKET $JOURNAL_STREAM $$"');
    const env = { ...hostile(), NOTIFY_SOCKET: '/run/systemd/notify', JOURNAL_STREAM: '8:1234' };
    const service = execa(program, ['run'], { env, extendEnv: false });
    expect((await service).stdout).toBe(`/run/systemd/notify 8:1234 ${service.pid}`);
  });

  it('runs none of what a hostile environment and working directory hold', async () => {
    const program = install('exec "$0.real" "$@"');
    symlinkSync(join(repository, 'node_modules/.bin/node'), `${join(directory, node)}.real`);
    mkdirSync(join(directory, file, '..'), { recursive: true });
    writeFileSync(join(directory, file), 'console.log("ours", typeof require);\n');
    const env = hostile();
    const { stdout } = await execa(program, [], { env, extendEnv: false, cwd: join(directory, 'evil') });
    expect(stdout).toMatch(/^ours/);
    expect(existsSync(join(directory, 'marker'))).toBe(false);
  });

  it('is found through a symbolic link', async () => {
    const program = install('echo "$0"');
    symlinkSync(program, join(directory, 'link'));
    expect((await execa(join(directory, 'link'))).stdout).toBe(join(directory, node));
  });

  /** The launcher in a tree of its own, with a shell script in Node's place. */
  function install(body: string): string {
    const program = join(directory, place, 'protect-network');
    mkdirSync(join(directory, place), { recursive: true });
    copyFileSync(join(repository, launcher), program);
    mkdirSync(join(directory, node, '..'), { recursive: true });
    writeFileSync(join(directory, node), `#!/bin/sh\n${body}\n`);
    chmodSync(join(directory, node), 0o755);
    return program;
  }
});

/** Every way of a variable or a directory to run code of its own that we know of; each would make `marker`. */
function hostile(): Record<string, string> {
  const evil = join(directory, 'evil');
  mkdirSync(join(evil, 'node_modules'), { recursive: true });
  const marker = join(directory, 'marker');
  writeFileSync(join(evil, 'evil.cjs'), `require('node:fs').writeFileSync(${JSON.stringify(marker)}, '');\n`);
  writeFileSync(join(evil, 'evil.sh'), `: > ${marker}\n`);
  for (const tool of ['node', 'env', 'readlink', 'sh']) {
    writeFileSync(join(evil, tool), `#!/bin/sh\n: > ${marker}\n`, { mode: 0o755 });
  }
  const required = `--require=${join(evil, 'evil.cjs')}`;
  return {
    PATH: `${evil}:.:/usr/bin:/bin`,
    NODE_OPTIONS: required,
    NODE_PATH: evil,
    NODE_REPL_EXTERNAL_MODULE: join(evil, 'evil.cjs'),
    NODE_COMPILE_CACHE: evil,
    NODE_EXTRA_CA_CERTS: join(evil, 'evil.cjs'),
    OPENSSL_CONF: join(evil, 'evil.cjs'),
    LD_LIBRARY_PATH: evil,
    CHOKIDAR_USEPOLLING: '1',
    ENV: join(evil, 'evil.sh'),
    BASH_ENV: join(evil, 'evil.sh'),
    'BASH_FUNC_exec%%': `() { : > ${marker}; }`,
    IFS: '/',
    CDPATH: evil,
    self: '/nonexistent',
    root: '/nonexistent',
    lib: '/nonexistent',
  };
}
