import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readStaticZones, removeStaticZone, writeStaticZone } from '../../../../src/directories/static/edit.ts';
import { zoneNameSchema } from '../../../../src/directories/static/zone-file.ts';
import { type Ipv4Address, type Ipv6Address, parseAddress } from '../../../../src/model/address.ts';
import { type LinkName, parseLinkName } from '../../../../src/model/link-name.ts';
import { errorOf, temporaryDirectory } from '../../config/support.ts';

const link = parseLinkName('vif1339.2') as LinkName;
const ipv4 = parseAddress('10.75.0.3') as Ipv4Address;
const ipv6 = parseAddress('fdd4:1476:6c7e::3') as Ipv6Address;

test('what is written is read, replaced, and removed, and nothing is left beside it', async () => {
  const directory = join(temporaryDirectory(), 'network/zones.d');
  const path = writeStaticZone(directory, link, { ipv4, ipv6, name: 'a "quoted" name' });
  expect(statSync(path).mode & 0o777).toBe(0o644);
  expect(statSync(directory).mode & 0o777).toBe(0o755);
  expect(await readStaticZones(directory)).toEqual({
    entries: [{ link, addresses: [ipv4, ipv6], name: 'a "quoted" name', origin: path }],
    problems: [],
  });
  writeStaticZone(directory, link, { ipv6 });
  expect((await readStaticZones(directory)).entries[0]?.addresses).toEqual([ipv6]);
  expect(readFileSync(path, 'utf8')).toBe('ipv6 = "fdd4:1476:6c7e::3"\n');
  expect(readdirSync(directory)).toEqual(['vif1339.2.toml']);
  expect(removeStaticZone(directory, link)).toBe(true);
  expect(removeStaticZone(directory, link)).toBe(false);
  expect(readdirSync(directory)).toEqual([]);
});

test('the mode does not depend on the umask', () => {
  const directory = temporaryDirectory();
  const before = process.umask(0o077);
  try {
    expect(statSync(writeStaticZone(directory, link, { ipv4 })).mode & 0o777).toBe(0o644);
  } finally {
    process.umask(before);
  }
});

test('a directory that does not exist holds nothing and has nothing to remove', async () => {
  const directory = join(temporaryDirectory(), 'none');
  expect(await readStaticZones(directory)).toEqual({ entries: [], problems: [] });
  expect(removeStaticZone(directory, link)).toBe(false);
});

test('nothing is written that would be refused when read', () => {
  const directory = temporaryDirectory();
  expect(errorOf(() => writeStaticZone(directory, link, { name: 'x' })).code).toBe('usage');
  for (const name of ['', 'x'.repeat(64), 'a\nb', 'a\u202eb']) {
    expect(errorOf(() => writeStaticZone(directory, link, { ipv4, name })).code).toBe('usage');
  }
  expect(readdirSync(directory)).toEqual([]);
});

test('any name that is accepted comes back as it was', async () => {
  const directory = temporaryDirectory();
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }), async (name) => {
      fc.pre(zoneNameSchema.safeParse(name).success);
      writeStaticZone(directory, link, { ipv4, name });
      const { entries, problems } = await readStaticZones(directory);
      expect(problems).toEqual([]);
      expect(entries[0]?.name).toBe(name);
    }),
    { numRuns: 50 },
  );
});

test('a place that cannot be written is said so', () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'file'), '');
  chmodSync(directory, 0o700);
  expect(errorOf(() => writeStaticZone(join(directory, 'file'), link, { ipv4 })).code).toBe('refused');
});
