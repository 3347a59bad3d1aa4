import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { place, run } from './support.ts';

test('says what would hold', async () => {
  const here = place({
    settings: settingsWith('[isolation]\nhost = "deny"\n[control]\nmetrics-listen = "[::1]:9475"\n'),
  });
  const { code, stdout, stderr } = await run('check', ...here.options);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout.replaceAll(here.directory, '/place')).toMatchInlineSnapshot(`
    "Edera's settings  /place/daemon.toml
    Our settings      /place/settings.toml
    Policies          /nowhere/policy.d, none
    IPv4              10.75.0.0/16, gateway 10.75.0.1, host 10.75.0.2
    IPv6              fdd4:1476:6c7e::/48, gateway fdd4:1476:6c7e::1, host fdd4:1476:6c7e::2
    Zone directories, in order of precedence:
      1. control-api: unix:///var/lib/edera/protect/daemon.socket
      2. xenstore: the first of the usual paths that exists
      3. static: /nowhere/zones.d, 0 usable zones
    Settings that differ from their default:
      zones.static-dir = "/nowhere/zones.d"
      isolation.host = "deny"
      policy.dir = "/nowhere/policy.d"
      control.metrics-listen = "[::1]:9475"
    "
  `);
});

test('warns where Edera has no settings yet', async () => {
  const here = place();
  rmSync(here.config);
  const { code, stderr } = await run('check', ...here.options);
  expect([code, stderr]).toEqual([
    0,
    `protect-network: warning: ${here.config} does not exist: the default subnets 10.75.0.0/16 and fdd4:1476:6c7e::/48 are used\n`,
  ]);
});

test('names every mistake of both files by its place, with the line', async () => {
  const here = place({
    config: '[network.ipv4]\nsubnet = "10.75.0.1/16"\n',
    settings: '[forward]\nplacment = "auto"\n',
  });
  const { code, stdout, stderr } = await run('check', ...here.options);
  expect([code, stdout]).toEqual([78, '']);
  expect(stderr.replaceAll(here.directory, '/place')).toMatchInlineSnapshot(`
    "protect-network: /place/daemon.toml:2:10: network.ipv4.subnet "10.75.0.1/16" is not a prefix; expected "10.75.0.0/16"
    subnet = "10.75.0.1/16"
             ^
    /place/settings.toml:2:1: unknown key "forward.placment"; did you mean "placement"?
    placment = "auto"
    ^
    "
  `);
});

test('finds static zones that would get nothing', async () => {
  const here = place();
  zone(here.zones, 'vif1.0', 'ipv4 = "10.75.0.3"\n');
  zone(here.zones, 'vif2.0', 'ipv4 = "10.75.0.3"\n');
  zone(here.zones, 'vif3.0', 'ipv4 = "10.75.0.1"\n');
  zone(here.zones, 'vif4.0', 'ipv5 = "10.75.0.9"\n');
  const { code, stdout, stderr } = await run('check', ...here.options);
  expect(code).toBe(78);
  expect(stdout).toContain('1 usable zone\n');
  expect(stderr).toContain(`${here.zones}/vif2.0.toml: 10.75.0.3 already belongs to vif1.0\n`);
  expect(stderr).toContain(`${here.zones}/vif3.0.toml: 10.75.0.1 is the gateway of 10.75.0.0/16\n`);
  expect(stderr).toContain(`${here.zones}/vif4.0.toml:1:1: unknown key "ipv5"; did you mean "ipv`);
});

test('only warns about static zones that nobody asks for', async () => {
  const here = place();
  writeFileSync(here.settings, `[zones]\ndirectories = ["xenstore"]\nstatic-dir = "${here.zones}"\n`, { mode: 0o644 });
  zone(here.zones, 'vif3.0', 'ipv4 = "10.75.0.1"\n');
  const { code, stderr } = await run('check', ...here.options);
  expect([code, stderr]).toEqual([
    0,
    `protect-network: warning: ${here.zones} is not read: "static" is not among zones.directories\n`,
  ]);
});

test('warns of uplinks that this host does not have', async () => {
  const here = place({ settings: settingsWith('[uplink]\ninterfaces = ["lo", "eth99"]\n') });
  const { code, stderr } = await run('check', ...here.options);
  expect([code, stderr]).toEqual([
    0,
    'protect-network: warning: uplink.interfaces names eth99, and this host has no such interface\n',
  ]);
});

test('warns where nothing keeps zones to their addresses', async () => {
  const here = place({ settings: settingsWith('[isolation]\nanti-spoof = false\n') });
  const { code, stderr } = await run('check', ...here.options);
  expect([code, stderr]).toEqual([
    0,
    `protect-network: warning: ${here.settings}: isolation.anti-spoof is false: a zone can send from any address\n`,
  ]);
});

test('refuses settings that others may write', async () => {
  const here = place();
  chmodSync(here.settings, 0o666);
  const { code, stderr } = await run('check', ...here.options);
  expect([code, stderr]).toEqual([78, expect.stringContaining('writable by group or others')]);
});

describe('policies', () => {
  /** Settings that ask the static directory only, and policies by the names of their files. */
  function withPolicies(files: Record<string, string>) {
    const here = place();
    const settings = `[zones]\ndirectories = ["static"]\nstatic-dir = "${here.zones}"\n[policy]\ndir = "${here.policies}"\n`;
    writeFileSync(here.settings, settings, { mode: 0o644 });
    mkdirSync(here.policies, { mode: 0o755 });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(here.policies, name), text, { mode: 0o644 });
    zone(here.zones, 'vif1.0', 'ipv4 = "10.75.0.3"\nname = "web"\n');
    return here;
  }
  const policy = (zones: string, rules: string) => `[[policy]]\nzones = ["${zones}"]\negress.allow = [${rules}]\n`;

  test('are counted', async () => {
    const here = withPolicies({
      'a.toml': policy('web', '"icmp"') + policy('*', ''),
      'b.toml': policy('w?b', '"zone:web:80"'),
    });
    const { code, stdout, stderr } = await run('check', ...here.options);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain(`\nPolicies          ${here.policies}, 3 policies in 2 files\n`);
  });

  test('that are wrong are named with line and caret', async () => {
    const here = withPolicies({
      'a.toml': policy('web', '"icmp"'),
      'b.toml': policy('web', '"icmp", "api.example.com"'),
    });
    const { code, stdout, stderr } = await run('check', ...here.options);
    expect([code, stdout]).toEqual([78, '']);
    expect(stderr.replaceAll(here.policies, '/policies')).toMatchInlineSnapshot(`
      "protect-network: /policies/b.toml:3:25: "api.example.com" has no port; expected one such as "api.example.com:443"
      egress.allow = ["icmp", "api.example.com"]
                              ^
      "
    `);
  });

  test('that are about nothing there is are warned of', async () => {
    const here = withPolicies({
      'a.toml': policy('db', '"icmp"'),
      'b.toml': policy('web', '"zone:db:5432", "*.github.io:443"'),
      'c.conf': 'not read',
      'd.toml~': 'an editor',
    });
    const { code, stderr } = await run('check', ...here.options);
    expect(code).toBe(0);
    expect(stderr.replaceAll(here.policies, '/policies')).toMatchInlineSnapshot(`
      "protect-network: warning: /policies/b.toml:3:33: "*.github.io:443" is about every name under github.io, where every customer of that provider can have one
      protect-network: warning: /policies/c.conf is not read: its name does not end in .toml
      protect-network: warning: /policies/a.toml:1:1: this policy is about no zone
      protect-network: warning: /policies/b.toml:3:17: "zone:db:5432" opens nothing: there is no zone "db"
      "
    `);
  });

  test('are not said to be about nothing where other directories may know the zone', async () => {
    const here = withPolicies({ 'a.toml': policy('db', '"zone:other:1"') });
    writeFileSync(here.settings, `[zones]\nstatic-dir = "${here.zones}"\n[policy]\ndir = "${here.policies}"\n`);
    const { code, stderr } = await run('check', ...here.options);
    expect([code, stderr]).toEqual([0, '']);
  });
});

function settingsWith(more: string): string {
  return `[zones]\nstatic-dir = "/nowhere/zones.d"\n[policy]\ndir = "/nowhere/policy.d"\n${more}`;
}

function zone(directory: string, link: string, text: string): void {
  writeFileSync(join(directory, `${link}.toml`), text, { mode: 0o644 });
}
