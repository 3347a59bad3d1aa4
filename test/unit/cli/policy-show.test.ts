import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { address, serving, statusOf, zoneOf } from '../control/support.ts';
import { type Place, place, run } from './support.ts';

const agents = `[[policy]]
zones = ["agent-*"]

[policy.egress]
allow = ["api.example.com:443", "zone:db:5432", { to = "git.corp.example:22", private = true }]
deny = ["203.0.113.0/24"]

[[policy]]
links = ["vif9.0"]
egress.mode = "audit"
`;
const everybody = '[[policy]]\nzones = ["*"]\negress.mode = "audit"\negress.allow = ["icmp"]\n';

function placeWith(files: Record<string, string>): Place {
  const here = place();
  mkdirSync(here.policies, { mode: 0o755 });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(here.policies, name), text, { mode: 0o644 });
  return here;
}

/** A daemon that knows two zones. */
async function daemonIn(here: Place): Promise<void> {
  const zones = [
    zoneOf({ link: 'vif7.0', name: 'agent-7', addresses: [address('10.75.0.3')] }),
    zoneOf({ link: 'vif8.0', name: null, addresses: [] }),
  ];
  await serving({ status: async () => statusOf({ zones }), socket: here.socket });
}

async function show(here: Place, ...words: readonly string[]) {
  const { code, stdout, stderr } = await run('policy', 'show', ...words, ...here.options);
  const plain = (text: string) => text.replaceAll(here.directory, '/place');
  return { code, stdout: plain(stdout), stderr: plain(stderr) };
}

test('lists policies with the number of zones that they are about, and says which are about none', async () => {
  const here = placeWith({ 'agents.toml': agents, 'all.toml': everybody });
  await daemonIn(here);
  const { code, stdout, stderr } = await show(here);
  expect(code).toBe(0);
  // As wide as the place's real name.
  expect(stdout.replaceAll(/ {2,}/g, '  ')).toMatchInlineSnapshot(`
    "POLICY  ZONES  MODE  ALLOW  DENY  PUBLISH  IS ABOUT
    /place/policy.d/agents.toml:1  1  enforce  3  1  0  agent-*
    /place/policy.d/agents.toml:8  0  audit  0  0  0  vif9.0
    /place/policy.d/all.toml:1  2  audit  1  0  0  *
    "
  `);
  expect(stderr).toMatchInlineSnapshot(`
    "protect-network: /place/policy.d/agents.toml:5:33: "zone:db:5432" opens nothing: there is no zone "db"
    protect-network: /place/policy.d/agents.toml:8:1: this policy is about no zone
    protect-network: /place/policy.d/all.toml:1:1: mode "audit" is not in force for zone agent-7: /place/policy.d/agents.toml:1 enforces
    "
  `);
});

test('shows what all policies say of a zone, each rule with its place', async () => {
  const here = placeWith({ 'agents.toml': agents, 'all.toml': everybody });
  await daemonIn(here);
  const { code, stdout, stderr } = await show(here, 'agent-7');
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatchInlineSnapshot(`
    "zone agent-7 (vif7.0), 10.75.0.3: enforced
    allow:
      api.example.com:443  /place/policy.d/agents.toml:5
      zone:db:5432         /place/policy.d/agents.toml:5  no such zone
      git.corp.example:22  /place/policy.d/agents.toml:5  private
      icmp                 /place/policy.d/all.toml:4
    deny:
      203.0.113.0/24  /place/policy.d/agents.toml:6
    All else is denied.
    "
  `);
  expect((await show(here, 'vif7.0')).stdout).toBe(stdout);
  expect((await show(here, 'vif8.0')).stdout).toMatchInlineSnapshot(`
    "zone vif8.0: audit
    allow:
      icmp  /place/policy.d/all.toml:4
    All else passes, and is told of in the log: the mode is audit.
    "
  `);
  const { zones } = JSON.parse((await show(here, 'agent-7', '--json')).stdout);
  expect(zones[0]).toMatchObject({ link: 'vif7.0', policy: 'enforced' });
  expect(zones[0].allow[2]).toEqual({
    rule: 'git.corp.example:22',
    private: true,
    file: '/place/policy.d/agents.toml',
    line: 5,
    column: 49,
  });
});

test('of a zone that is not there, says what would hold', async () => {
  const here = placeWith({ 'agents.toml': agents });
  await daemonIn(here);
  const { code, stdout, stderr } = await show(here, 'agent-8');
  expect(code).toBe(1);
  expect(stdout).toContain('zone agent-8: enforced\nallow:\n  api.example.com:443');
  expect(stderr).toBe(
    'protect-network: there is no zone "agent-8" now; this is what would hold for one without an address\n',
  );
  expect((await show(here, 'web')).stdout).toBe(
    'zone web: no policy\nNo policy is about it: policies keep it from nothing.\n',
  );
  expect((await show(here, 'vif9.0')).stdout).toContain('zone vif9.0: audit\nallow: nothing\n');
});

test('without a daemon, zones are those of the static directory', async () => {
  const here = placeWith({ 'all.toml': everybody });
  writeFileSync(join(here.zones, 'vif1.0.toml'), 'ipv4 = "10.75.0.9"\nname = "web"\n', { mode: 0o644 });
  const { code, stdout, stderr } = await show(here, 'web');
  expect([code, stdout.split('\n', 1)[0]]).toEqual([0, 'zone web (vif1.0), 10.75.0.9: audit']);
  expect(stderr).toContain('protect-network: zones are those of /place/zones.d: protect-network is not running');
});

test('tells of a wrong policy as check does, and that there is none', async () => {
  const { code, stderr } = await show(placeWith({ 'a.toml': '[[policy]]\n' }), 'web');
  expect([code, stderr.split('\n', 1)[0]]).toEqual([
    78,
    'protect-network: /place/policy.d/a.toml:1:1: policy[0] names no zone; expected zones, links or addresses',
  ]);
  expect((await show(place())).stdout).toBe('no policy in /place/policy.d\n');
});

test('shows the ports that lead to a zone, and none that another policy has', async () => {
  const port = (zones: string, listen: string) =>
    `[[policy]]\nzones = ["${zones}"]\n[[policy.publish]]\nlisten = "${listen}"\nto = 8443\nfrom = ["203.0.113.0/24"]\n`;
  const here = placeWith({ 'a.toml': port('agent-7', '443/tcp'), 'b.toml': port('agent-*', '443/tcp') });
  await daemonIn(here);
  expect((await show(here, 'agent-7')).stdout).toMatchInlineSnapshot(`
    "zone agent-7 (vif7.0), 10.75.0.3: no policy
    publish:
      443/tcp to 8443  from 203.0.113.0/24  /place/policy.d/a.toml:4
    It may reach everything.
    "
  `);
  expect(JSON.parse((await show(here, 'agent-7', '--json')).stdout).zones[0].publish).toHaveLength(1);
});
