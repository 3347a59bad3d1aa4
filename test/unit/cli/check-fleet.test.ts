/** `check --fleet`: settings of several hosts against each other. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { place, run } from './support.ts';

async function compare(hosts: Readonly<Record<string, readonly string[]>>) {
  const { directory } = place();
  const files = Object.entries(hosts).map(([name, block]) => {
    const file = join(directory, `${name}.toml`);
    const text = [
      '[fleet]',
      `block = ${JSON.stringify(block)}`,
      `prefixes = ${JSON.stringify(name === 'narrow' ? block : ['10.75.0.0/16'])}`,
      'uplinks = ["eth0"]',
    ];
    writeFileSync(file, `${(block.length === 0 ? [] : text).join('\n')}\n`);
    return file;
  });
  const { code, stdout, stderr } = await run('check', '--fleet', ...files);
  const here = (text: string) => text.replaceAll(`${directory}/`, '');
  return { code, stdout: here(stdout), stderr: here(stderr) };
}

test('hosts whose blocks are apart suit each other, and an address may have come from another', async () => {
  const { code, stdout, stderr } = await compare({ a: ['10.75.2.0/24'], b: ['10.75.3.0/24', '10.75.2.20'] });
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toBe(
    "2 hosts, 3 blocks: no address is two hosts' own\n10.75.2.20: at b.toml, from 10.75.2.0/24 of a.toml\n",
  );
});

test('what two hosts have is told with both places', async () => {
  const { code, stderr } = await compare({
    a: ['10.75.2.0/24'],
    b: ['10.75.2.128/25'],
    c: ['10.75.4.4'],
    d: ['10.75.4.4'],
  });
  expect(code).toBe(78);
  expect(stderr).toMatchInlineSnapshot(`
    "protect-network: b.toml:2:10: fleet.block: 10.75.2.128/25 overlaps 10.75.2.0/24 of a.toml:2; expected each address at one host
    block = ["10.75.2.128/25"]
             ^
    d.toml:2:10: fleet.block: 10.75.4.4/32 overlaps 10.75.4.4/32 of c.toml:2; expected each address at one host
    block = ["10.75.4.4"]
             ^
    "
  `);
});

test('a host that another does not count among the fleet’s is warned of, and one without a fleet refused', async () => {
  const { code, stderr } = await compare({ narrow: ['10.75.2.0/24'], b: ['10.75.3.0/24'] });
  expect([code, stderr]).toEqual([
    0,
    'protect-network: warning: narrow.toml: fleet.prefixes does not hold 10.75.3.0/24, a block of b.toml\n',
  ]);
  const other = await compare({ a: ['10.75.2.0/24'], b: [] });
  expect([other.code, other.stderr]).toEqual([
    78,
    'protect-network: b.toml: has no [fleet]; expected block, prefixes and uplinks\n',
  ]);
});

test('one file, or a file without --fleet, is a mistake of the command line', async () => {
  expect((await compare({ a: ['10.75.2.0/24'] })).code).toBe(2);
  expect((await run('check', 'a.toml')).stderr).toContain("to check one settings file: --settings 'a.toml'");
});
