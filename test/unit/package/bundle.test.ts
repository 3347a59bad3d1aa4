/** The bundle does what the sources do, starts from V8's cache, and is the same bytes each time. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, bundleFiles } from '../../../scripts/package/bundle.ts';
import { nodeFlags } from '../../../scripts/package/launcher.ts';

const repository = join(import.meta.dirname, '../../..');
const node = join(repository, 'node_modules/.bin/node');
const directory = mkdtempSync(join(tmpdir(), 'protect-network-bundle-'));
const start = join(directory, 'start.cjs');

beforeAll(() => bundle(directory), 60_000);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('the bundle', () => {
  it.each(['--help', 'zone set --help', '--version'])(
    'prints what the sources print: %s',
    async (line) => {
      const args = line.split(' ');
      const [bundled, sources] = await Promise.all([
        execa(node, [start, ...args], { cwd: '/' }),
        execa(join(repository, 'bin/protect-network'), args),
      ]);
      expect(bundled.stdout).toBe(sources.stdout);
    },
    30_000,
  );

  it('judges settings as the sources do: every schema is in it', async () => {
    const settings = join(directory, 'wrong.toml');
    writeFileSync(settings, '[isolation]\nmetadata = "no"\n', { mode: 0o600 });
    const args = ['check', '--config', '/nonexistent', '--settings', settings];
    const [bundled, sources] = await Promise.all([
      execa(node, [start, ...args], { reject: false }),
      execa(join(repository, 'bin/protect-network'), args, { reject: false }),
    ]);
    expect(bundled.exitCode).toBe(78);
    expect(bundled.stderr).toBe(sources.stderr);
  }, 30_000);

  it('keeps the names of functions, which is what a stack trace tells by', () => {
    const code = readFileSync(join(directory, 'protect-network.cjs'), 'utf8');
    expect(code).toContain('async function runDaemon(');
    expect(code).not.toMatch(/\P{ASCII}/u);
  });

  it('has what only a report starts in a file of its own, which no daemon loads', () => {
    const [program, facts] = ['protect-network.cjs', 'host-facts.cjs'].map((name) =>
      readFileSync(join(directory, name), 'utf8'),
    );
    expect(facts).toContain('dmidecode');
    expect(program).not.toContain('dmidecode');
  });

  it('names the licence of every package that is in it', () => {
    const text = readFileSync(join(directory, 'LICENCES'), 'utf8');
    for (const name of [
      '@grpc/grpc-js',
      'chokidar',
      'execa',
      'pino',
      'smol-toml',
      'zod',
      'protobufjs',
      'systeminformation',
    ]) {
      expect(text).toMatch(new RegExp(`^${name} [0-9]`, 'm'));
    }
  });

  it('is the same bytes when it is made again', async () => {
    const again = mkdtempSync(join(tmpdir(), 'protect-network-bundle-'));
    try {
      await bundle(again);
      for (const name of bundleFiles) {
        expect(readFileSync(join(again, name)).equals(readFileSync(join(directory, name))), name).toBe(true);
      }
    } finally {
      rmSync(again, { recursive: true, force: true });
    }
  }, 60_000);
});

describe("V8's cache", () => {
  it('is taken by a Node that starts as the launcher starts it', async () => {
    expect(await isTaken()).toBe('taken');
  });

  it('is left alone where it is of another bundle', async () => {
    const file = join(directory, 'protect-network.cjs.cache');
    const cache = readFileSync(file);
    try {
      appendFileSync(file, '// protect-network 0.0.0 0000000000000000\n');
      expect(await isTaken()).toBe('no cache');
      expect((await execa(node, [start, '--version'])).stdout).toMatch(/^protect-network /);
    } finally {
      writeFileSync(file, cache);
    }
  }, 30_000);
});

async function isTaken(): Promise<string> {
  // A process of its own: within one, V8 takes what it has compiled before.
  const program = `const { compile, readCache } = require(${JSON.stringify(start)});
    const { cachedDataRejected } = compile(readCache);
    process.stdout.write(cachedDataRejected === undefined ? 'no cache' : cachedDataRejected ? 'rejected' : 'taken');`;
  return (await execa(node, [...nodeFlags(), '--eval', program])).stdout;
}
