/** The lowest free address: of whom it is not, and that two at once never get the same. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { lowestFree } from '../../../src/cli/free-address.ts';
import { subnetOf } from '../../../src/config/subnet.ts';
import { type Address, parsePrefix, prefixesOf } from '../../../src/model/address.ts';
import { place, run } from './support.ts';

const subnet = (text: string) => {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new Error(`${text} is no prefix`);
  return subnetOf(prefix);
};
const free = (text: string, addresses: readonly string[], prefixes: readonly string[] = []) =>
  lowestFree(subnet(text), { addresses: new Set(addresses as Address[]), prefixes: prefixesOf(...prefixes) });

describe('the lowest free address', () => {
  it.each([
    ['10.75.0.0/16', [], [], '10.75.0.3'],
    ['10.75.0.0/16', ['10.75.0.3', '10.75.0.5'], [], '10.75.0.4'],
    ['10.75.0.0/16', ['10.75.0.3'], ['10.75.0.4/32', '10.75.0.0/16', '10.0.0.0/8', '0.0.0.0/0'], '10.75.0.5'],
    ['10.75.0.0/16', [], ['10.75.0.0/24', '10.75.1.0/25'], '10.75.1.128'],
    ['10.75.0.0/29', ['10.75.0.3', '10.75.0.4', '10.75.0.5'], [], '10.75.0.6'],
    ['10.75.0.0/29', ['10.75.0.3', '10.75.0.4', '10.75.0.5', '10.75.0.6'], [], undefined],
    ['10.75.0.0/29', [], ['10.75.0.0/30', '10.75.0.4/30'], undefined],
    ['fdd4:1476:6c7e::/48', ['fdd4:1476:6c7e::3'], [], 'fdd4:1476:6c7e::4'],
  ])('of %s without %j and %j is %s', (text, addresses, prefixes, expected) => {
    expect(free(text, addresses, prefixes)).toBe(expected);
  });
});

describe('the lowest free address of a fleet’s host', () => {
  const ofBlocks = (blocks: readonly string[], addresses: readonly string[], prefixes: readonly string[] = []) =>
    lowestFree(
      { ...subnet('10.75.0.0/16'), blocks: prefixesOf(...blocks) },
      { addresses: new Set(addresses as Address[]), prefixes: prefixesOf(...prefixes) },
    );

  it.each([
    ['is in its block', ['10.75.2.0/24'], [], [], '10.75.2.1'],
    ['is there in spite of the block’s own route', ['10.75.2.0/24'], ['10.75.2.1'], ['10.75.2.0/24'], '10.75.2.2'],
    ['is neither gateway nor host', ['10.75.0.0/24'], [], [], '10.75.0.3'],
    ['is in the next block', ['10.75.2.0/31', '10.75.3.0/24'], ['10.75.2.0', '10.75.2.1'], [], '10.75.3.1'],
    ['is not one of another host', ['10.75.2.20/32'], [], ['10.75.2.20/32'], undefined],
  ])('%s', (_what, blocks, addresses, prefixes, expected) => {
    expect(ofBlocks(blocks, addresses, prefixes)).toBe(expected);
  });
});

describe('zone set --ipv4 auto', () => {
  it('gives one of this host’s part of a fleet, also to a link that has another', async () => {
    const { options, settings, zones } = place();
    await run('zone', 'set', 'vif1.0', '--ipv4', 'auto', ...options);
    const fleet = `[fleet]\nblock = ["10.75.2.0/24"]\nprefixes = ["10.75.0.0/16"]\nuplinks = ["eth0"]\n`;
    writeFileSync(settings, `${readFileSync(settings, 'utf8')}${fleet}`);
    const named = await run('zone', 'set', 'vif1.0', '--name', 'web', ...options);
    expect(named.stderr).toContain('nothing written: 10.75.0.3 is outside this host');
    const moved = await run('zone', 'set', 'vif1.0', '--ipv4', 'auto', ...options);
    expect(moved.stdout).toContain('vif1.0 has 10.75.2.1 ');
    expect(parse(readFileSync(join(zones, 'vif1.0.toml'), 'utf8'))).toMatchObject({ ipv4: '10.75.2.1' });
  });

  it('leaves an address alone of a family that is off', async () => {
    const { options, zones } = place({
      config: '[network.ipv4]\nsubnet = "10.75.0.0/16"\n[network.ipv6]\nsubnet = ""\n',
    });
    writeFileSync(join(zones, 'vif1.0.toml'), 'ipv6 = "fdd4:1476:6c7e::3"\n', { mode: 0o644 });
    const { stdout } = await run('zone', 'set', 'vif1.0', '--ipv4', 'auto', ...options);
    expect(stdout).toContain('vif1.0 has 10.75.0.3 and fdd4:1476:6c7e::3 ');
  });

  it('gives none twice, however many ask at once', async () => {
    const { options, zones } = place();
    const links = Array.from({ length: 6 }, (_, domid) => `vif${domid + 1}.0`);
    const outcomes = await Promise.all(
      links.map((link) => run('zone', 'set', link, '--ipv4', 'auto', '--ipv6', 'auto', ...options)),
    );
    expect(outcomes.map(({ code }) => code)).toEqual(links.map(() => 0));
    const files = readdirSync(zones).map((name) => parse(readFileSync(join(zones, name), 'utf8')));
    const expected = [3, 4, 5, 6, 7, 8];
    expect(files.map(({ ipv4 }) => ipv4).sort()).toEqual(expected.map((last) => `10.75.0.${last}`));
    expect(files.map(({ ipv6 }) => ipv6).sort()).toEqual(expected.map((last) => `fdd4:1476:6c7e::${last}`));
  });

  it('keeps what the link has, and fills what is free', async () => {
    const { options, zones } = place();
    const set = (...args: readonly string[]) => run('zone', 'set', ...args, ...options);
    await set('vif1.0', '--ipv4', '10.75.0.4');
    expect((await set('vif1.0', '--ipv4', 'auto')).stdout).toContain(', as before');
    expect((await set('vif2.0', '--ipv4', 'auto')).stdout).toContain('vif2.0 has 10.75.0.3 ');
    expect((await set('vif3.0', '--ipv4', 'auto')).stdout).toContain('vif3.0 has 10.75.0.5 ');
    expect(readdirSync(zones)).toHaveLength(3);
    writeFileSync(join(zones, 'vif3.0.toml'), 'ipv4 = "10.75.0.4"\n', { mode: 0o644 });
    expect((await set('vif3.0', '--ipv4', 'auto')).stdout).toContain('vif3.0 has 10.75.0.5 ');
  });

  it('writes nothing where a directory that should answer does not', async () => {
    const { options, settings, zones, directory } = place();
    const others = `directories = ["control-api", "static"]\ncontrol-api = "unix://${directory}/edera.sock"\n`;
    writeFileSync(settings, readFileSync(settings, 'utf8').replace('[zones]\n', `[zones]\n${others}`));
    const { code, stderr } = await run('zone', 'set', 'vif1.0', '--ipv4', 'auto', ...options);
    expect(stderr).toMatch(
      /nothing written: zone directory control-api does not answer .*; give an address, or try again/,
    );
    expect([code, readdirSync(zones)]).toEqual([1, []]);
  });

  it('stands alone', async () => {
    const { options } = place();
    const { code, stderr } = await run('zone', 'set', 'vif1.0', '--ipv4', 'auto', '--ipv4', '10.75.0.9', ...options);
    expect([code, stderr]).toEqual([2, expect.stringContaining("--ipv4 is 'auto'; expected an IPv4 address")]);
  });
});
