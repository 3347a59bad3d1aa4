/** `protect-network explain` as it is typed: its words, its exit codes, and what `--live` sees and leaves. */
import { beforeAll, describe, expect, it } from 'vitest';
import { farHost, gateway } from '../lab/addresses.ts';
import type { LongRunning } from '../lab/command.ts';
import { programPath } from '../lab/daemon.ts';
import { ping } from '../lab/ping.ts';
import { openScene, reaches, type Scene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';
import { withWorld } from '../lab/world.ts';

const toFar = ['vif7.0', '--to', farHost.ipv4];

describe('explain', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene();
    return () => scene.world.destroy();
  });

  it('tells on one screen that both families pass, and as whom they leave', async () => {
    const { stdout, exitCode } = await scene.world.cli(['explain', 'vif7.0']);
    expect(stdout.split('\n').length).toBeLessThan(12);
    expect(stdout).toMatch(/^✓ .*10\.75\.1\.7 to 1\.1\.1\.1: passes.*\n {2}✓ leaves as 192\.0\.2\.1, .*\n✓ .*: passes/);
    expect(exitCode).toBe(0);
  });

  it('takes siblings by name, and answers for one family where that is asked', async () => {
    const said = async (...args: string[]) => (await scene.world.cli(['explain', ...args])).stdout;
    await scene.world.files.writeZone('vif8.0', { ipv4: '10.75.1.8', ipv6: 'fdd4:1476:6c7e::108', name: 'db' });
    expect(await said('vif7.0', '--to', 'db:5432', '-4')).toMatch(
      /^✓ TCP from 10\.75\.1\.7 to 10\.75\.1\.8 port 5432: passes/,
    );
    expect(await said('db', '--from', '10.75.1.7')).toMatch(
      /^✓ an echo request from 10\.75\.1\.7 to 10\.75\.1\.8: passes/,
    );
    expect(await said('vif7.0', '--to', 'db', '-6')).not.toContain('10.75.1.7');
  });

  it('shortens what does not pass with --brief', async () => {
    await scene.world.host.nft('add rule ip filter EDERA-USER tcp dport 25 counter drop');
    const { stdout } = await scene.world.cli(['explain', 'vif7.0', '--to', `${farHost.ipv4}:25`, '--brief']);
    await scene.world.host.nft('flush chain ip filter EDERA-USER');
    expect(stdout).toMatch(
      /^✗ TCP .*\n {2}forward: a rule .*\n.*tcp dport 25 .*\n {2}fix: nft insert rule .*\n {2}fix: .*\n\n {2}This/,
    );
  });

  it('tells the whole way of a packet that passes with --full, and ends with 0', async () => {
    const { stdout, exitCode } = await scene.world.cli(['explain', ...toFar, '--full']);
    expect(stdout).toMatch(
      /^✓ an echo request from 10\.75\.1\.7 to 198\.51\.100\.10: passes this host, and so does its answer\n/,
    );
    expect(stdout).not.toMatch(/protect-network is not running/);
    expect(stdout).toMatch(
      /✓ leaves as 192\.0\.2\.1, this host’s address on uplink0\n.*inet edera uplink-nat handle \d+: .*masquerade/,
    );
    expect(exitCode).toBe(0);
  });

  it('names the rule that drops and what lets just this past it, and ends with 1', async () => {
    const { host } = scene.world;
    await host.nft('add rule ip filter EDERA-USER tcp dport 25 counter drop');
    const { stdout, exitCode } = await scene.world.cli(['explain', '10.75.1.7', '--to', `${farHost.ipv4}:25`]);
    const fixes = [...stdout.matchAll(/fix: (nft insert rule ip filter EDERA-USER handle \d+ .* accept)\n/g)];
    expect(stdout).toMatch(/^✗ TCP from 10\.75\.1\.7 to 198\.51\.100\.10 port 25: does not pass\n/);
    expect(exitCode).toBe(1);
    for (const command of new Set(fixes.map(([, each = '']) => each))) await host.mustExec('sh', ['-c', command]);
    expect((await scene.world.cli(['explain', '10.75.1.7', '--to', `${farHost.ipv4}:25`])).exitCode).toBe(0);
    // Whoever made the rule meant somebody: everybody else is still kept out.
    expect((await scene.world.cli(['explain', '10.75.1.8', '--to', `${farHost.ipv4}:25`])).exitCode).toBe(1);
    expect((await scene.world.cli(['explain', '10.75.1.7', '--to', '198.51.100.11:25'])).exitCode).toBe(1);
    await host.nft('flush chain ip filter EDERA-USER');
  });

  it.each([
    ['with a policy of drop', 'policy drop;', []],
    ['with a drop at its end', 'policy accept;', ['counter drop']],
    ['with a reject for all zones in a chain of its own', 'policy accept;', ['iifname "vif*" jump zones']],
  ])('lets one zone past a forward chain of another program %s, and nobody else', async (_name, policy, rules) => {
    const { world, zones } = scene;
    const { host } = world;
    const add = (chain: string, rule: string) => `add rule inet corp ${chain} ${rule}`;
    await host.nft(
      [
        'add table inet corp',
        'add chain inet corp zones',
        add('zones', 'reject'),
        `add chain inet corp forwarding { type filter hook forward priority 5; ${policy} }`,
        ...rules.map((rule) => add('forwarding', rule)),
      ].join('; '),
    );
    try {
      for (const far of [farHost.ipv4, farHost.ipv6]) {
        const { stdout } = await world.cli(['explain', 'vif7.0', '--to', far]);
        const commands = new Set([...stdout.matchAll(/fix: (.*)\n/g)].map(([, command = '']) => command));
        expect(commands.size).toBe(2);
        for (const command of commands) await host.mustExec('sh', ['-c', command]);
        expect(await reaches(zones[0], far)).toBe(true);
        expect(await reaches(zones[1], far)).toBe(false);
        expect(await reaches(zones[0], zones[1].ipv4)).toBe(false);
      }
    } finally {
      await host.nft('delete table inet corp');
    }
  });

  it('tells both families where none is named, as JSON, too', async () => {
    const reports = JSON.parse((await scene.world.cli(['explain', 'vif8.0', '--json'])).stdout);
    expect(reports).toMatchObject([
      { link: 'vif8.0', verdict: 'passes', packet: 'an echo request from 10.75.1.8 to 1.1.1.1' },
      { link: 'vif8.0', verdict: 'passes', packet: 'an echo request from fdd4:1476:6c7e::108 to 2606:4700:4700::1111' },
    ]);
  });

  it('refuses with 2 what it does not understand', async () => {
    expect((await scene.world.cli(['explain', 'vif7.0', '--to', 'example.org'])).exitCode).toBe(2);
  });

  it.each([
    ['a link that is not there', 'vif99.0', /there is no link vif99\.0 on this host/],
    ['an address that nobody has', '10.75.7.7', /no zone directory gives 10\.75\.7\.7 to a link/],
  ])('says so of %s', async (_name, subject, words) => {
    const { stdout, stderr, exitCode } = await scene.world.cli(['explain', subject]);
    expect(`${stdout}${stderr}`).toMatch(words);
    expect(exitCode).toBe(1);
  });

  describe('--live', () => {
    it('follows a packet that passes, and its answer', async () => {
      const live = await watching(scene, toFar);
      await untilEnded(live, () => ping(scene.zones[0], farHost.ipv4));
      expect(live.stdout.join('\n')).toMatch(/✓ a real packet passed every nftables chain, and its answer came back/);
      expect(live.stdout.join('\n')).toMatch(/✓ the zone \(10\.75\.1\.7\) answers an echo request from dom0/);
      expect(await live.ended).toBe(0);
      expect(await traceIsGone(scene)).toBe(true);
    });

    it('sees the same rule drop a real packet that was computed to', async () => {
      const { host } = scene.world;
      await host.nft(`add rule ip filter EDERA-USER ip daddr ${farHost.ipv4} drop`);
      const live = await watching(scene, toFar);
      await untilEnded(live, () => ping(scene.zones[0], farHost.ipv4, { timeoutMs: 100 }));
      await host.nft('flush chain ip filter EDERA-USER');
      expect(live.stdout.join('\n')).toMatch(
        /✓ a real packet was dropped by ip filter EDERA-USER handle \d+, as computed/,
      );
      expect(await live.ended).toBe(1);
    });

    it('says where a real packet went another way than was computed', async () => {
      const { host } = scene.world;
      const live = await watching(scene, toFar);
      await host.nft(`add rule ip filter EDERA-USER ip daddr ${farHost.ipv4} drop`);
      await untilEnded(live, () => ping(scene.zones[0], farHost.ipv4, { timeoutMs: 100 }));
      await host.nft('flush chain ip filter EDERA-USER');
      expect(live.stdout.join('\n')).toMatch(
        /✗ a real packet was dropped by ip filter EDERA-USER handle \d+, not as computed/,
      );
      expect(await live.ended).toBe(1);
    });

    it.each([
      ['IPv4', farHost.ipv4, '10.75.1.77/16', '10.75.1.7/16'],
      ['IPv6', farHost.ipv6, 'fdd4:1476:6c7e::177/48', 'fdd4:1476:6c7e::107/48'],
    ])('hears which %s address the zone has, and which it should have', async (_family, far, wrong, right) => {
      const [zone] = scene.zones;
      const via = right.includes(':') ? gateway.ipv6 : gateway.ipv4;
      const become = (address: string) =>
        zone.ip(
          'address flush dev eth0 scope global',
          `address add ${address} dev eth0${right.includes(':') ? ' nodad' : ''}`,
          `route replace default via ${via} dev eth0 onlink`,
          'neigh flush all',
        );
      const heard = async () => {
        const live = await watching(scene, ['vif7.0', '--to', far]);
        await ping(zone, far, { timeoutMs: 300 });
        const code = await live.stop('SIGINT', 30_000);
        return { code, text: live.stdout.join('\n') };
      };
      const named = (address: string) => address.replace(/\/.*/, '');
      await become(right);
      expect((await heard()).text).toContain(`✓ vif7.0 asks for its gateway as ${named(right)}, as it should`);
      await become(wrong);
      const { code, text } = await heard();
      expect(text).toContain(`✗ vif7.0 asks for its gateway as ${named(wrong)}, and its address is ${named(right)}`);
      expect(code).toBe(1);
      await zone.ip(
        'address flush dev eth0 scope global',
        'address add 10.75.1.7/16 dev eth0',
        'address add fdd4:1476:6c7e::107/48 dev eth0 nodad',
        `route replace default via ${gateway.ipv4} dev eth0 onlink`,
        `route replace default via ${gateway.ipv6} dev eth0 onlink`,
      );
      expect(await traceIsGone(scene)).toBe(true);
    });

    it('says so where no packet came', async () => {
      const { stdout, exitCode } = await scene.world.cli(['explain', ...toFar, '--live', '--seconds', '1']);
      expect(stdout).toMatch(/· no such packet arrived on vif7\.0 within 1 s: nothing is confirmed/);
      expect(exitCode).toBe(0);
    });

    it.each(['SIGINT', 'SIGTERM'] as const)('takes its table away at %s', async (signal) => {
      const live = await watching(scene, toFar);
      expect(await traceIsGone(scene)).toBe(false);
      await live.stop(signal, 30_000);
      expect(await traceIsGone(scene)).toBe(true);
    });

    it('takes away what a killed one left', async () => {
      const live = await watching(scene, toFar);
      await live.stop('SIGKILL');
      expect(await traceIsGone(scene)).toBe(false);
      await scene.world.cli(['explain', ...toFar, '--live', '--seconds', '1']);
      expect(await traceIsGone(scene)).toBe(true);
    });

    it('leaves the table of one that runs alone, and so does cleanup', async () => {
      const live = await watching(scene, toFar);
      const second = await scene.world.cli(['explain', ...toFar, '--live', '--seconds', '1']);
      expect(second).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining(`running explain --live, drops -f or capture (process ${live.pid})`),
      });
      const { stdout } = await scene.world.cli(['cleanup', '--dry-run']);
      expect(stdout).toContain(
        `inet edera-trace stays: an explain --live, drops -f or capture uses it (process ${live.pid})`,
      );
      expect(await traceIsGone(scene)).toBe(false);
      await live.stop('SIGINT', 30_000);
    });
  });
});

describe('cleanup', () => {
  it('says what of the operator’s goes along before it goes, and a second time that nothing is left', async () => {
    const { world, daemon } = await openScene();
    try {
      await world.host.mustExec('nft', ['add', 'rule', 'inet', 'edera', 'user-input', 'tcp', 'dport', '22', 'accept']);
      await daemon.stop();
      const first = await world.cli(['cleanup']);
      expect(first.exitCode, first.stderr).toBe(0);
      const [told, removed, kept] = [
        'note: removing the table inet edera also removes your rule in user-input\n',
        '\nnft delete table inet edera\n',
        '\nnote: forwarding stays on',
      ].map((words) => first.stdout.indexOf(words));
      expect([told, removed, kept], first.stdout).toEqual([0, expect.any(Number), expect.any(Number)]);
      expect(removed).toBeGreaterThan(0);
      expect(kept).toBeGreaterThan(Number(removed));
      expect(await world.cli(['cleanup'])).toMatchObject({ exitCode: 0, stdout: 'nothing of ours is here\n' });
      expect((await world.cli(['cleanup', '--dry-run'])).stdout).toBe('nothing of ours is here\n');
    } finally {
      world.destroy();
    }
  });

  it('takes away what a killed explain --live left, and nothing of that name that is not ours', async () => {
    const scene = await openScene();
    const { world, daemon } = scene;
    try {
      const live = await watching(scene, toFar);
      await live.stop('SIGKILL');
      await daemon.stop();
      expect((await world.cli(['cleanup', '--dry-run'])).stdout).toMatch(
        /^would: nft delete table inet edera-trace\nwould: nft delete table netdev edera-trace$/m,
      );
      expect(await traceIsGone(scene)).toBe(false);
      expect((await world.cli(['cleanup'])).stdout).toMatch(/^nft delete table inet edera-trace$/m);
      expect(await traceIsGone(scene)).toBe(true);
      await world.host.nft('table inet edera-trace { chain request { meta nftrace set 1; }; }');
      expect((await world.cli(['cleanup'])).stdout).toContain('inet edera-trace stays: it is not ours');
      expect((await world.cli(['explain', ...toFar, '--live', '--seconds', '1'])).stderr).toContain('not ours');
      expect(await traceIsGone(scene)).toBe(false);
    } finally {
      world.destroy();
    }
  });
});

describe('explain with settings that deny', () => {
  it('names our own rules and the settings behind them', async () => {
    const isolation = { 'zone-to-zone': 'deny', metadata: 'deny', host: 'deny' };
    const { world } = await openScene({ settings: { isolation } });
    try {
      const said = async (to: string) => (await world.cli(['explain', 'vif7.0', '--to', to])).stdout;
      expect(await said('10.75.1.8')).toMatch(/does not pass[^✓]*isolation\.zone-to-zone/);
      expect(await said('169.254.169.254')).toMatch(/does not pass[^✓]*isolation\.metadata/);
      expect(await said(gateway.ipv4)).toMatch(/does not pass[^✓]*isolation\.host/);
      expect(await said(farHost.ipv4)).toMatch(/passes this host/);
    } finally {
      world.destroy();
    }
  });
});

describe('explain on a host without anything of ours', () => {
  it('answers all the same', () =>
    withWorld({}, async (world) => {
      const zone = await world.addZone({ domid: 7 });
      const { stdout, exitCode } = await world.cli(['explain', zone.link]);
      expect(stdout).toMatch(/vif7\.0 has no network: no zone directory knows this link/);
      expect(exitCode).toBe(1);
    }));
});

/** `explain --live` once it watches. */
async function watching({ world }: Scene, args: readonly string[]): Promise<LongRunning> {
  const live = world.host.spawn(programPath, ['explain', ...args, '--live', '--seconds', '60', ...world.files.options]);
  await waitFor(() => live.stderr.some((line) => line.includes('send it now')), {
    what: 'the watch to begin',
    deadlineMs: 40_000,
  });
  return live;
}

/** Sends again and again: one packet is not enough for it to end before its time. */
async function untilEnded(live: LongRunning, send: () => Promise<unknown>): Promise<void> {
  await waitFor(
    async () => {
      await send();
      return !live.running;
    },
    { what: 'the end of the watch', deadlineMs: 40_000 },
  );
}

async function traceIsGone({ world }: Scene): Promise<boolean> {
  return !(await world.host.mustExec('nft', ['list', 'tables'])).includes('edera-trace');
}
