import { chmodSync, lchownSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, test } from 'vitest';
import { ProtectNetworkError } from '../../../src/model/errors.ts';
import { loadPolicies } from '../../../src/policy/policy-directory.ts';
import { temporaryDirectory } from '../config/support.ts';

const isRoot = process.geteuid?.() === 0;

/** A directory of policies with these files. */
function directoryOf(files: Record<string, string>): string {
  const directory = temporaryDirectory();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text, { mode: 0o644 });
  return directory;
}

function policyFor(zone: string, allow = 'icmp'): string {
  return `[[policy]]\nzones = ["${zone}"]\negress.allow = ["${allow}"]\n`;
}

async function errorFor(directory: string): Promise<ProtectNetworkError> {
  const error: unknown = await loadPolicies(directory).catch((error: unknown) => error);
  if (error instanceof ProtectNetworkError) return error;
  throw new Error(`not refused: ${JSON.stringify(error)}`);
}

async function zonesIn(directory: string): Promise<string[]> {
  return (await loadPolicies(directory)).policies.flatMap(({ selector }) => selector.zones);
}

describe('a directory of policies', () => {
  it('is read in the order of its files', async () => {
    const directory = directoryOf({
      'b.toml': policyFor('b1') + policyFor('b2'),
      'a.toml': policyFor('a'),
      '.c.toml': 'broken [',
      'd.toml.bak': 'broken [',
      README: 'broken [',
    });
    expect(await zonesIn(directory)).toEqual(['a', 'b1', 'b2']);
  });

  it('holds none where it is not there, or empty', async () => {
    const directory = temporaryDirectory();
    for (const path of [directory, join(directory, 'none'), join(directory, 'no/such')]) {
      expect(await loadPolicies(path)).toEqual({ policies: [], warnings: [], files: new Map() });
    }
  });

  it('is refused as a whole where any file is wrong, and everything wrong is named', async () => {
    const directory = directoryOf({
      'a.toml': policyFor('a'),
      'b.toml': policyFor('b', 'b.example'),
      'c.toml': policyFor('c', 'host'),
    });
    const { message, code, exitCode } = await errorFor(directory);
    expect([code, exitCode]).toEqual(['config-invalid', 78]);
    expect(message.split('\n').filter((line) => line.startsWith('/'))).toEqual([
      `${directory}/b.toml:3:17: "b.example" has no port; expected one such as "b.example:443"`,
      `${directory}/c.toml:3:17: "host" has no port; expected one such as "host:9100"`,
    ]);
  });

  it.each([0o664, 0o646])('is refused where others may write a file (mode %o)', async (mode) => {
    const directory = directoryOf({ 'a.toml': policyFor('a') });
    chmodSync(join(directory, 'a.toml'), mode);
    expect((await errorFor(directory)).message).toContain(`${directory}/a.toml: writable by group or others`);
  });

  it('is refused where others may write it, since they could take a policy away', async () => {
    const directory = directoryOf({ 'a.toml': policyFor('a') });
    chmodSync(directory, 0o777);
    expect((await errorFor(directory)).message).toContain(`${directory}: writable by group or others (mode 0777)`);
  });

  it('is refused where it is a file', async () => {
    const directory = directoryOf({ file: '' });
    expect((await errorFor(join(directory, 'file'))).message).toContain('is a file; expected a directory');
  });

  it('follows links that lead to files of root', async () => {
    const directory = directoryOf({ 'a.toml': policyFor('a') });
    const elsewhere = directoryOf({ 'target.toml': policyFor('b') });
    symlinkSync(join(elsewhere, 'target.toml'), join(directory, 'b.toml'));
    expect(await zonesIn(directory)).toEqual(['a', 'b']);
    symlinkSync('nothing.toml', join(directory, 'c.toml'));
    expect((await errorFor(directory)).message).toContain('c.toml: is a dangling symbolic link');
  });

  test.skipIf(!isRoot)('is refused where a link in it is somebody else’s', async () => {
    const directory = directoryOf({ 'a.toml': policyFor('a') });
    symlinkSync('a.toml', join(directory, 'b.toml'));
    lchownSync(join(directory, 'b.toml'), 65534, 65534);
    expect((await errorFor(directory)).message).toContain('b.toml: the symbolic link is not trusted');
  });

  it('is refused where a file is none', async () => {
    const directory = directoryOf({});
    mkdirSync(join(directory, 'a.toml'));
    expect((await errorFor(directory)).message).toContain('a.toml: is a directory');
  });

  it('is bounded in the number of its files, their size, and what is told of them', async () => {
    const many = directoryOf(Object.fromEntries(Array.from({ length: 4097 }, (_, place) => [`${place}.toml`, ''])));
    expect((await errorFor(many)).message).toContain('holds 4097 policy files; expected at most 4096');
    const large = Object.fromEntries(
      Array.from({ length: 9 }, (_, place) => [`${place}.toml`, `#${'x'.repeat(1_000_000)}`]),
    );
    expect((await errorFor(directoryOf(large))).message).toContain('holds files of more than 8388608 bytes in all');
    const wrong = Object.fromEntries(Array.from({ length: 30 }, (_, place) => [`${place}.toml`, 'policy = 1\n']));
    expect((await errorFor(directoryOf(wrong))).message.split('expected one or more [[policy]]')).toHaveLength(10);
  });
});

describe('reading again', () => {
  it('reads what has changed, and nothing else', async () => {
    const directory = directoryOf({ 'a.toml': policyFor('a'), 'b.toml': policyFor('b') });
    await sleep(150);
    const first = await loadPolicies(directory);
    writeFileSync(join(directory, 'b.toml'), policyFor('c'));
    const second = await loadPolicies(directory, first.files);
    expect(second.policies.map(({ selector }) => selector.zones)).toEqual([['a'], ['c']]);
    expect(second.policies[0]).toBe(first.policies[0]);
    rmSync(join(directory, 'a.toml'));
    const third = await loadPolicies(directory, second.files);
    expect(third.policies.map(({ selector }) => selector.zones)).toEqual([['c']]);
  });

  it('gives what a changed file still says as the same value', async () => {
    const directory = directoryOf({ 'a.toml': policyFor('a') + policyFor('b') });
    const first = await loadPolicies(directory);
    writeFileSync(join(directory, 'a.toml'), policyFor('a') + policyFor('c'));
    const second = await loadPolicies(directory, first.files);
    expect(second.policies.map(({ selector }) => selector.zones)).toEqual([['a'], ['c']]);
    expect(second.policies[0]).toBe(first.policies[0]);
  });

  it('sees what a link leads to now', async () => {
    const directory = directoryOf({});
    const target = join(directoryOf({ 'x.toml': policyFor('a') }), 'x.toml');
    symlinkSync(target, join(directory, 'a.toml'));
    await sleep(150);
    const first = await loadPolicies(directory);
    writeFileSync(`${target}.new`, policyFor('b'), { mode: 0o644 });
    renameSync(`${target}.new`, target);
    expect((await loadPolicies(directory, first.files)).policies[0]?.selector.zones).toEqual(['b']);
  });

  it('judges anew whether others may write a file', async () => {
    const directory = directoryOf({ 'a.toml': policyFor('a') });
    await sleep(150);
    const first = await loadPolicies(directory);
    chmodSync(join(directory, 'a.toml'), 0o666);
    await expect(loadPolicies(directory, first.files)).rejects.toThrow('writable by group or others');
  });
});
