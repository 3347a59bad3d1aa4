import { chmodSync, chownSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { StaticDirectory } from '../../../../src/directories/static/directory.ts';
import type { ZoneEntry } from '../../../../src/directories/zone-entry.ts';
import { eventually, replaceFile, temporaryDirectory } from '../../config/support.ts';

interface Followed {
  readonly directory: StaticDirectory;
  changes(): number;
}

async function follow(path: string): Promise<Followed> {
  const directory = new StaticDirectory(path);
  let changes = 0;
  await directory.start(() => {
    changes += 1;
  });
  onTestFinished(() => directory.stop());
  return { directory, changes: () => changes };
}

/** `vif1.0 10.75.0.3` and so on: what the directory says, as one text per link. */
function said({ directory }: Followed): string[] {
  return usable(directory.snapshot().entries).map((entry) => [entry.link, ...entry.addresses].join(' '));
}

function usable(entries: readonly ZoneEntry[]): ZoneEntry[] {
  return entries.filter((entry) => entry.unusable === undefined);
}

const zone = (last: number) => `ipv4 = "10.75.0.${last}"\n`;
const isRoot = process.geteuid?.() === 0;

describe('the static directory', () => {
  test('serves every good file and says what is wrong with the others', async () => {
    const path = temporaryDirectory();
    replaceFile(join(path, 'vif2.0.toml'), 'ipv6 = "fdd4:1476:6c7e:0::3"\nipv4 = "10.75.0.3"\nname = "dömäne"\n');
    replaceFile(join(path, 'vif1.0.toml'), zone(4));
    replaceFile(join(path, 'vif3.0.toml'), 'ipv4 = "10.75.0');
    replaceFile(join(path, 'vif4.0.toml'), 'ipv4 = "fdd4::3"\nadress = "x"\n');
    replaceFile(join(path, 'vif5.0.toml'), '');
    replaceFile(join(path, 'vif01.0.toml'), zone(5));
    for (const ignored of ['.vif7.0.toml', 'vif7.0.toml.tmp', 'vif7.0.toml~', 'README']) {
      writeFileSync(join(path, ignored), 'broken [');
    }
    const followed = await follow(path);
    const { state, entries, problems } = followed.directory.snapshot();
    expect(state).toBe('answered');
    expect(usable(entries)).toEqual([
      { link: 'vif1.0', addresses: ['10.75.0.4'], name: undefined, origin: join(path, 'vif1.0.toml') },
      {
        link: 'vif2.0',
        addresses: ['10.75.0.3', 'fdd4:1476:6c7e::3'],
        name: 'dömäne',
        origin: join(path, 'vif2.0.toml'),
      },
    ]);
    expect(entries.filter(({ unusable }) => unusable !== undefined).map(({ link }) => link)).toEqual([
      'vif3.0',
      'vif4.0',
      'vif5.0',
    ]);
    expect(problems.map((problem) => problem.replace(`${path}/`, '').slice(0, 60))).toEqual([
      expect.stringMatching(/^vif01\.0\.toml: is not a link name/),
      expect.stringMatching(/^vif3\.0\.toml:1:8: /),
      expect.stringMatching(/^vif4\.0\.toml:1:8: ipv4 is "fdd4::3"; expected/),
      expect.stringMatching(/^vif5\.0\.toml:1:1: the file has no address/),
    ]);
    expect(problems.join()).toContain('vif4.0.toml:2:1: unknown key "adress"; expected one of ipv4, ipv6, name');
    expect(problems.every((problem) => !problem.includes('\n'))).toBe(true);
  });

  test('takes several addresses of a family, and tells the very one that is wrong', async () => {
    const path = temporaryDirectory();
    replaceFile(join(path, 'vif1.0.toml'), 'ipv4 = ["10.75.0.4", "10.75.0.3"]\nipv6 = ["fdd4:1476:6c7e::3"]\n');
    replaceFile(join(path, 'vif2.0.toml'), 'ipv4 = ["10.75.0.5", "fdd4::3"]\n');
    replaceFile(join(path, 'vif3.0.toml'), 'ipv4 = ["10.75.0.6", "10.75.0.6"]\n');
    replaceFile(join(path, 'vif4.0.toml'), 'ipv4 = []\n');
    replaceFile(join(path, 'vif5.0.toml'), `ipv6 = [${Array.from({ length: 17 }, (_, at) => `"fdd4::${at + 1}"`)}]\n`);
    const followed = await follow(path);
    expect(said(followed)).toEqual(['vif1.0 10.75.0.4 10.75.0.3 fdd4:1476:6c7e::3']);
    const { problems } = followed.directory.snapshot();
    expect(problems.map((problem) => problem.replace(`${path}/`, ''))).toEqual([
      'vif2.0.toml:1:22: ipv4[1] is "fdd4::3"; expected an address in quotes without a length, such as "10.75.0.3"',
      'vif3.0.toml:1:22: ipv4[1] "10.75.0.6" is in the list already; expected each once',
      'vif4.0.toml:1:8: ipv4 holds none or too many; expected 1 to 16 addresses',
      'vif5.0.toml:1:8: ipv6 holds none or too many; expected 1 to 16 addresses',
    ]);
  });

  test('hears of files that come, change, break and go', async () => {
    const path = temporaryDirectory();
    const followed = await follow(path);
    const file = join(path, 'vif1.0.toml');
    const soon = (what: string, entries: string[]) =>
      eventually(what, () => JSON.stringify(said(followed)) === JSON.stringify(entries));

    replaceFile(file, zone(3));
    await soon('it came', ['vif1.0 10.75.0.3']);
    replaceFile(file, zone(4));
    await soon('it changed', ['vif1.0 10.75.0.4']);
    writeFileSync(file, zone(5));
    await soon('it was written in place', ['vif1.0 10.75.0.5']);
    replaceFile(file, 'ipv4 = ');
    await soon('it broke', []);
    replaceFile(file, zone(6));
    await soon('it is well again', ['vif1.0 10.75.0.6']);
    renameSync(file, join(path, 'vif2.0.toml'));
    await soon('it was renamed', ['vif2.0 10.75.0.6']);
    rmSync(join(path, 'vif2.0.toml'));
    await soon('it went', []);
  });

  test('keeps its snapshot, and its peace, while nothing it says has changed', async () => {
    const path = temporaryDirectory();
    replaceFile(join(path, 'vif1.0.toml'), zone(3));
    const followed = await follow(path);
    const before = followed.directory.snapshot();
    replaceFile(join(path, 'vif1.0.toml'), `# the same\n${zone(3)}`);
    writeFileSync(join(path, 'README'), 'nothing');
    replaceFile(join(path, 'vif9.0.toml'), zone(9));
    await eventually('the new file', () => said(followed).includes('vif9.0 10.75.0.9'));
    expect(followed.changes()).toBe(1);
    expect(followed.directory.snapshot()).not.toBe(before);
    expect(followed.directory.snapshot()).toBe(followed.directory.snapshot());
  });

  test('that does not exist is absent, and is followed when it appears, vanishes and is replaced', async () => {
    const base = temporaryDirectory();
    const path = join(base, 'a/b/zones.d');
    const followed = await follow(path);
    expect(followed.directory.snapshot()).toMatchObject({ state: 'absent', entries: [], problems: [] });
    for (let round = 1; round <= 5; round += 1) {
      mkdirSync(path, { recursive: true });
      replaceFile(join(path, 'vif1.0.toml'), zone(round + 2));
      await eventually(`round ${round}`, () => said(followed)[0] === `vif1.0 10.75.0.${round + 2}`);
      rmSync(join(base, 'a'), { recursive: true });
      if (round % 2 === 0) continue;
      await eventually(`its end in round ${round}`, () => followed.directory.snapshot().state === 'absent');
    }
    mkdirSync(join(base, 'other'));
    replaceFile(join(base, 'other/vif2.0.toml'), zone(200));
    mkdirSync(join(base, 'a/b'), { recursive: true });
    renameSync(join(base, 'other'), path);
    await eventually('the directory moved into place', () => said(followed)[0] === 'vif2.0 10.75.0.200');
  });

  test('shares a vanishing parent with another follower', async () => {
    const base = temporaryDirectory();
    const [one, other] = [join(base, 'shared/one'), join(base, 'shared/other')];
    mkdirSync(one, { recursive: true });
    mkdirSync(other);
    const followers = [await follow(one), await follow(other)];
    for (let round = 3; round < 8; round += 1) {
      rmSync(join(base, 'shared'), { recursive: true });
      for (const path of [one, other]) {
        mkdirSync(path, { recursive: true });
        replaceFile(join(path, 'vif1.0.toml'), zone(round));
      }
      for (const follower of followers) {
        await eventually(`round ${round}`, () => said(follower)[0] === `vif1.0 10.75.0.${round}`);
      }
    }
  });
});

describe('what others could have written', () => {
  test('is not used, be it a file or the directory', async () => {
    const path = temporaryDirectory();
    const [one, two] = [join(path, 'vif1.0.toml'), join(path, 'vif2.0.toml')];
    replaceFile(one, zone(3));
    replaceFile(two, zone(4));
    const followed = await follow(path);
    // Again and again: what comes right after a directory's own change is easily missed.
    for (let round = 0; round < 30; round += 1) {
      chmodSync(one, 0o664);
      await eventually('the file is refused', () => said(followed).join() === 'vif2.0 10.75.0.4');
      expect(followed.directory.snapshot().problems.join()).toContain(`${one}: writable by group or others`);
      chmodSync(path, 0o777);
      await eventually('the directory is refused', () => said(followed).length === 0);
      expect(followed.directory.snapshot().problems.join()).toContain(`${path}: writable by group or others`);
      chmodSync(path, 0o700);
      chmodSync(one, 0o644);
      await eventually('both are trusted again', () => said(followed).length === 2);
    }
  });

  test.runIf(isRoot)('is not used where somebody else owns it', async () => {
    const path = temporaryDirectory();
    replaceFile(join(path, 'vif1.0.toml'), zone(3));
    chownSync(join(path, 'vif1.0.toml'), 65534, 65534);
    const followed = await follow(path);
    expect(said(followed)).toEqual([]);
    expect(followed.directory.snapshot().problems.join()).toContain('owned by user 65534');
  });

  test('is not used through a link that leads out of the directory, but through one that stays inside', async () => {
    const base = temporaryDirectory();
    const path = join(base, 'zones.d');
    mkdirSync(join(path, '..data'), { recursive: true });
    replaceFile(join(base, 'outside.toml'), zone(3));
    replaceFile(join(path, '..data/inside.toml'), zone(4));
    symlinkSync('../outside.toml', join(path, 'vif1.0.toml'));
    symlinkSync('..data/inside.toml', join(path, 'vif2.0.toml'));
    symlinkSync('nowhere', join(path, 'vif3.0.toml'));
    const followed = await follow(path);
    expect(said(followed)).toEqual(['vif2.0 10.75.0.4']);
    expect(followed.directory.snapshot().problems).toHaveLength(2);
    mkdirSync(join(path, '..new'));
    replaceFile(join(path, '..new/inside.toml'), zone(5));
    rmSync(join(path, 'vif2.0.toml'));
    symlinkSync('..new/inside.toml', join(path, 'vif2.0.toml'));
    await eventually('the new target', () => said(followed)[0] === 'vif2.0 10.75.0.5');
  });

  test("larger than 64 KiB, or a directory or FIFO in a file's place, is a problem", async () => {
    const path = temporaryDirectory();
    replaceFile(join(path, 'vif1.0.toml'), `${zone(3)}#${'x'.repeat(65_536)}`);
    mkdirSync(join(path, 'vif2.0.toml'));
    const followed = await follow(path);
    const problems = followed.directory.snapshot().problems.join();
    expect(problems).toContain('is larger than 65536 bytes');
    expect(problems).toContain('is a directory');
  });
});

test('5,000 files are all read, and one that changes among them is heard of', async () => {
  const path = temporaryDirectory();
  for (let index = 1; index <= 5000; index += 1) {
    writeFileSync(join(path, `vif${index}.0.toml`), `ipv4 = "10.75.${index >> 8}.${index & 255}"\n`, { mode: 0o644 });
  }
  const followed = await follow(path);
  expect(said(followed)).toHaveLength(5000);
  replaceFile(join(path, 'vif77.0.toml'), 'ipv4 = "10.75.200.200"\n');
  await eventually('the change', () => followed.changes() === 1);
  expect(said(followed)).toContain('vif77.0 10.75.200.200');
});

test('thousands of files at once are taken in a few steps, between which others have their turn', async () => {
  const path = temporaryDirectory();
  const followed = await follow(path);
  const written = 3000;
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  for (let index = 1; index <= written; index += 1) {
    writeFileSync(join(path, `vif${index}.0.toml`), `ipv4 = "10.75.${index >> 8}.${index & 255}"\n`, { mode: 0o644 });
  }
  setImmediate(count);
  await eventually('all of them', () => followed.directory.snapshot().table?.length === written);
  isOver = true;
  expect(followed.changes()).toBeLessThan(written / 20);
  expect(turns).toBeGreaterThan(written / 300);
});

test('an entry that is said is said with the same words by the list and by the table', async () => {
  const path = temporaryDirectory();
  const followed = await follow(path);
  for (const [name, last] of [
    ['vif10.0', 3],
    ['vif9.0', 4],
    ['vif1.1', 5],
    ['vif1.10', 6],
  ] as const) {
    replaceFile(join(path, `${name}.toml`), zone(last));
  }
  await eventually('all four', () => said(followed).length === 4);
  expect(said(followed)).toEqual(['vif1.1 10.75.0.5', 'vif1.10 10.75.0.6', 'vif10.0 10.75.0.3', 'vif9.0 10.75.0.4']);
  const { entries, table } = followed.directory.snapshot();
  expect(table?.entries()).toEqual(entries);
});

test('no content of a file keeps the others from being served', async () => {
  const path = temporaryDirectory();
  replaceFile(join(path, 'vif1.0.toml'), zone(3));
  const snippet = fc.constantFrom(
    'ipv4',
    'ipv6',
    'name',
    '=',
    '"',
    '10.75.0.9',
    '\n',
    '[',
    ']',
    '{',
    '}',
    '#',
    '\\u0000',
    '::',
  );
  const content = fc.oneof(
    fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
    fc.array(snippet, { maxLength: 12 }).map((parts) => Buffer.from(parts.join(' '))),
  );
  await fc.assert(
    fc.asyncProperty(content, async (bytes) => {
      writeFileSync(join(path, 'vif2.0.toml'), bytes, { mode: 0o644 });
      const directory = new StaticDirectory(path);
      await directory.start(() => undefined);
      const { entries, problems } = directory.snapshot();
      await directory.stop();
      expect(entries[0]?.link).toBe('vif1.0');
      expect(usable(entries).length + problems.length).toBe(2);
    }),
    { numRuns: 100 },
  );
});
