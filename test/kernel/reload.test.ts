/** Settings that change while the daemon runs. */
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { farHost } from '../lab/addresses.ts';
import type { LogLine } from '../lab/daemon.ts';
import { httpGet } from '../lab/http.ts';
import { isCutOff, reaches, untilState, withScene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';

describe('daemon.toml on reload', () => {
  it('that is broken leaves the last good one in force, and a corrected one takes effect', () =>
    withScene({}, async ({ world, daemon, zones }) => {
      const before = await world.host.snapshot();
      await world.files.writeConfig('[network.ipv4]\nsubnet = "10.75.0.0/33"\n');
      const line = await daemon.waitForLog(({ msg }) => String(msg).includes('stays in force'));
      expect(line['msg']).toContain(`${world.files.config}:2:10: `);
      expect(line['msg']).toContain('\nsubnet = "10.75.0.0/33"\n');
      expect(await world.host.snapshot()).toBe(before);
      expect(await reaches(zones[0], farHost.ipv4)).toBe(true);
      await world.files.writeConfig('[network.ipv4]\nsubnet = "10.76.0.0/16"\n');
      await untilSubnet('10.76.0.0/16', daemon);
    }));

  it('with another subnet is taken up in one pass: who is outside now is closed, who is inside is served', () =>
    withScene({}, async ({ world, daemon, zones: [one, two] }) => {
      const newcomer = await world.addZone({ domid: 9, ipv4: '10.76.0.9', ipv6: null });
      await world.declareZone(newcomer);
      expect(await untilState(daemon, newcomer.link, 'unserved')).toMatchObject({
        reason: expect.stringMatching(/outside the zone subnet/),
      });
      const { transactions } = await daemon.status();
      await world.files.writeConfig('[network]\nipv4.subnet = "10.76.0.0/16"\nipv6.subnet = ""\n');
      await untilState(daemon, newcomer.link);
      const status = await daemon.status();
      expect(status.zones.map(({ link, state }) => `${link} ${state}`).sort()).toEqual([
        'vif7.0 unserved',
        'vif8.0 unserved',
        'vif9.0 ready',
      ]);
      expect(status.transactions - transactions).toBe(1);
      expect(status.subnets).toEqual({ ipv4: '10.76.0.0/16', ipv6: null });
      expect(await isCutOff(one, farHost.ipv4)).toBe(true);
      const snapshot = await world.host.snapshot();
      for (const trace of [one.ipv4, one.ipv6, two.ipv4, '10.75.0.', 'fdd4:']) expect(snapshot).not.toContain(trace);
      await newcomer.ip('route replace default dev eth0');
      expect(await reaches(newcomer, '10.76.0.1')).toBe(true);
    }));

  it('that appears only later, or goes, is taken up', () =>
    withScene({}, async ({ world, daemon }) => {
      await rm(world.files.config);
      await daemon.waitForLog(({ msg }) => String(msg).includes('does not exist: the default subnets'));
      await world.files.writeConfig('[network.ipv4]\nsubnet = "10.0.0.0/8"\n');
      await untilSubnet('10.0.0.0/8', daemon);
    }));
});

describe('our settings on reload', () => {
  it('that are broken are named with their place, and the last good ones stay in force', () =>
    withScene({}, async ({ world, daemon }) => {
      const before = await world.host.snapshot();
      await writeFile(world.files.settings, '[isolation]\nzone-to-zone = "maybe"\n');
      const line = await daemon.waitForLog(({ msg }) => String(msg).includes('stays in force'));
      expect(line['msg']).toContain(`${world.files.settings}:2:16: `);
      const refusal = async () => (await daemon.status()).warnings.find((each) => each.includes(':2:16: '));
      expect(await refusal()).toMatch(/^the previous configuration stays in force: /);
      expect(await world.host.snapshot()).toBe(before);
      await world.files.writeSettings({});
      await waitFor(async () => (await refusal()) === undefined || undefined, {
        what: 'the end of it',
        deadlineMs: 30_000,
      });
    }));

  it('take effect at once: zone-to-zone denied and allowed again', () =>
    withScene({}, async ({ world, daemon, zones: [one, two] }) => {
      await world.files.writeSettings({ isolation: { 'zone-to-zone': 'deny' } });
      await daemon.waitForLog(({ cause }) => String(cause).includes('configuration changed'));
      const told = await daemon.waitForLog(({ event }) => event === 'reloaded', { deadlineMs: 30_000 });
      expect(told['msg']).toMatch(/in force, no restart needed: isolation\.zone-to-zone = "allow" → "deny"$/);
      for (const to of [two.ipv4, two.ipv6]) expect(await isCutOff(one, to), to).toBe(true);
      expect(await reaches(one, farHost.ipv4)).toBe(true);
      await world.files.writeSettings({});
      await waitFor(() => reaches(one, two.ipv4), { what: 'the sibling' });
      expect(await reaches(one, two.ipv6)).toBe(true);
    }));
});

describe('policies on reload', () => {
  const policy = (rule: string) => `[[policy]]\nzones = ["nobody"]\negress.allow = ["${rule}"]\n`;

  it('that are wrong are named with their place and change nothing, and are in force when they are right', () =>
    withScene({}, async ({ world, daemon }) => {
      await world.files.writePolicy('a.toml', policy('a.example:443'));
      const first = await daemon.waitForLog(({ event }) => event === 'reloaded', { deadlineMs: 30_000 });
      const file = join(world.files.policies, 'a.toml');
      expect(first['msg']).toContain(`${file}: + zones "nobody", + mode "enforce", + allow "a.example:443"`);
      const before = await world.host.snapshot();
      await world.files.writePolicy('b.toml', policy('b.example'));
      const refused = await daemon.waitForLog(({ event }) => event === 'reload-refused', { deadlineMs: 30_000 });
      expect(refused['msg']).toContain(`${join(world.files.policies, 'b.toml')}:3:17: "b.example" has no port`);
      expect(refused['msg']).toContain('stays in force');
      const warnings = async () => (await daemon.status()).warnings.join();
      expect(await warnings()).toContain('"b.example" has no port');
      expect(await world.host.snapshot()).toBe(before);
      await world.files.writePolicy('b.toml', policy('b.example:443'));
      const added = ({ event, msg }: LogLine) =>
        event === 'reloaded' && String(msg).includes('+ allow "b.example:443"');
      await daemon.waitForLog(added, { deadlineMs: 30_000 });
      expect(await warnings()).not.toContain('b.example');
    }));

  it('are read again when asked, and without a change that is said', () =>
    withScene({}, async ({ daemon }) => {
      process.kill(daemon.pid, 'SIGHUP');
      await daemon.waitForLog(({ msg }) => msg === 'configuration reloaded: no changes', { deadlineMs: 30_000 });
    }));
});

describe('the control socket on reload', () => {
  it('stays where it is when it cannot be made elsewhere, is tried again when asked, and moves without a gap', () =>
    withScene({}, async ({ world, daemon }) => {
      const elsewhere = join(world.files.directory, 'other', 'control.sock');
      // In its way: nothing can be made below a file.
      await writeFile(dirname(elsewhere), '');
      await world.files.writeSettings({ control: { socket: elsewhere } });
      const incomplete = ({ event }: LogLine) => event === 'reload-incomplete';
      await daemon.waitForLog(incomplete, { deadlineMs: 30_000 });
      expect((await daemon.status()).pid).toBe(daemon.pid);

      process.kill(daemon.pid, 'SIGHUP');
      await waitFor(() => daemon.log.filter(incomplete).length === 2, { what: 'another try', deadlineMs: 30_000 });
      await rm(dirname(elsewhere));
      process.kill(daemon.pid, 'SIGHUP');
      const statusThere = async () => JSON.parse(await httpGet(elsewhere, '/v1/status')) as { pid: number };
      expect((await waitFor(statusThere, { what: 'the new socket', deadlineMs: 30_000 })).pid).toBe(daemon.pid);
      await waitFor(() => !existsSync(world.files.socket), { what: 'the end of the old socket' });
    }));
});

function untilSubnet(text: string, daemon: { status(): Promise<{ subnets: { ipv4: string | null } }> }): Promise<true> {
  return waitFor(async () => (await daemon.status()).subnets.ipv4 === text, { what: `${text} to be in force` });
}
