/** Links of zones that somebody else has taken: what is said of them, and what leaves them. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Arena, openArena } from '../attacks/arena.ts';
import { packet } from '../attacks/attack.ts';
import { toSibling } from '../attacks/bridged.ts';
import { addBridge, bridgeName, freeFromBridge, takeIntoBridge } from '../lab/bridge.ts';
import { addressBytes, arp, ethernet, etherTypes, icmpv6, ipv6, macBytes, udp } from '../lab/frames/packets.ts';
import { tag } from '../lab/frames/tools.ts';
import { openScene, reaches, type Scene, untilState, withScene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';

const sentence = "vif7.0 is a port of bridge xenbr0: its packets go there and not through this host's routes";

async function hasTable(scene: Scene): Promise<boolean> {
  return (await scene.world.host.mustExec('nft', ['list', 'tables'])).includes('netdev edera');
}

/** Without what counts. */
function rules({ world }: Scene): Promise<string> {
  return world.host.mustExec('nft', ['-s', 'list', 'table', 'netdev', 'edera']);
}

describe('a link that a bridge has taken', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene();
    await addBridge(scene.world.host);
    await takeIntoBridge(scene.world.host, 'vif7.0');
    await untilState(scene.daemon, 'vif7.0', 'taken');
  });
  afterAll(() => scene.world.destroy());

  it('is said to be one by the log, once, with what to type', async () => {
    const { daemon } = scene;
    const line = await daemon.waitForLog(({ event }) => event === 'zone-taken');
    expect(line).toMatchObject({ link: 'vif7.0', takenBy: bridgeName });
    expect(line['msg']).toBe(`${sentence}; fix: ip link set vif7.0 nomaster`);
    expect(daemon.log.filter(({ event }) => event === 'zone-taken')).toHaveLength(1);
  });

  it('is said to be one by status, by its text and by its JSON', async () => {
    const { daemon, world } = scene;
    const status = await daemon.status();
    expect(status.state).toBe('degraded');
    const zone = status.zones.find(({ link }) => link === 'vif7.0');
    expect(zone).toMatchObject({ state: 'taken', reason: sentence, takenBy: { device: bridgeName, kind: 'bridge' } });
    expect(status.zones.find(({ link }) => link === 'vif8.0')).toMatchObject({ state: 'ready', takenBy: null });
    const { stdout } = await world.cli(['status']);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(`${sentence}; fix: ip link set vif7.0 nomaster`);
    expect(stdout).toMatch(/^vif7\.0 .*taken/m);
  });

  it('makes /healthz say no, and is in the metrics', async () => {
    const { daemon } = scene;
    const refusal = await daemon.get('/healthz').then(
      () => 'healthy',
      (error: Error) => error.message,
    );
    expect(refusal).toContain(sentence);
    const metrics = await daemon.get('/metrics');
    expect(metrics).toContain('protect_network_ready 0\n');
    expect(metrics).toContain('protect_network_zones{state="taken"} 1\n');
    expect(metrics).toContain('protect_network_zone_taken_info{link="vif7.0",device="xenbr0",kind="bridge"} 1\n');
  });

  it('is BAD for doctor, with a command and the script that does it; the other link is not', async () => {
    const { stdout, exitCode } = await scene.world.cli(['doctor', '--json']);
    const { findings } = JSON.parse(stdout) as { findings: Record<'level' | 'what' | 'why' | 'fix', string>[] };
    const [finding, ...more] = findings.filter(({ what, level }) => level === 'bad' && /vif[78]\.0/.test(what));
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ what: sentence, fix: 'ip link set vif7.0 nomaster' });
    expect(finding?.why).toMatch(/vif-bridge.*install-xl\.md/);
    expect(exitCode).not.toBe(0);
  });

  it.each([
    ['out', ['vif7.0', '--to', '198.51.100.10']],
    ['in', ['vif7.0', '--from', 'outside']],
  ])('does not pass, says explain (%s)', async (_, args) => {
    const { stdout, exitCode } = await scene.world.cli(['explain', ...args]);
    expect(stdout).toMatch(/^✗ .*does not pass/m);
    expect(stdout).toContain(sentence);
    expect(stdout).toContain('ip link set vif7.0 nomaster');
    expect(exitCode).not.toBe(0);
  });

  it('is said to be one by doctor and plan where no daemon runs', async () => {
    await withScene({}, async ({ world, daemon }) => {
      await daemon.stop();
      await addBridge(world.host);
      await takeIntoBridge(world.host, 'vif7.0');
      const doctor = await world.cli(['doctor']);
      expect(doctor.stdout.replaceAll(/\s+/g, ' ')).toContain(`BAD ${sentence}`);
      const plan = await world.cli(['plan']);
      expect(plan.stdout).toMatch(/add chain netdev edera vif7\.0 .* device "vif7\.0"/);
      expect(plan.stdout + plan.stderr).toContain(sentence);
    });
  });
});

describe('what somebody does to it', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await openScene();
    await addBridge(scene.world.host);
    await takeIntoBridge(scene.world.host, 'vif7.0');
    await untilState(scene.daemon, 'vif7.0', 'taken');
    return () => scene.world.destroy();
  });

  it('freed, it is ready again and works, and no table is left', async () => {
    const { world, daemon, zones } = scene;
    await freeFromBridge(world.host, 'vif7.0');
    await untilState(daemon, 'vif7.0');
    expect(await hasTable(scene)).toBe(false);
    expect(await reaches(zones[0], '198.51.100.10')).toBe(true);
    // The bridge's own notice of the port that left it is not the link's end.
    expect(daemon.log.filter(({ event }) => event === 'zone-closed')).toEqual([]);
    expect((await daemon.status()).repairs).toBe(0);
  });

  it('is freed as well by the end of the bridge', async () => {
    await scene.world.host.ip(`link del ${bridgeName}`);
    await untilState(scene.daemon, 'vif7.0');
    expect(await hasTable(scene)).toBe(false);
  });

  it('its chain comes back when somebody deletes the table, flushes it, or everything', async () => {
    const { world, daemon } = scene;
    const before = await rules(scene);
    for (const damage of ['delete table netdev edera', 'flush chain netdev edera vif7.0', 'flush ruleset']) {
      const { repairs } = await daemon.status();
      await world.host.nft(damage);
      await waitFor(async () => (await daemon.status()).repairs > repairs, { what: `a repair of: ${damage}` });
      expect(await rules(scene)).toBe(before);
    }
  });

  it('its chain goes with it, and a link born under its name gets one of its own', async () => {
    const { world, daemon, zones } = scene;
    await zones[0].remove();
    await waitFor(async () => !(await hasTable(scene)), { what: 'the table to go' });
    await world.addZone({ domid: 7 });
    await takeIntoBridge(world.host, 'vif7.0');
    await untilState(daemon, 'vif7.0', 'taken');
    expect(await rules(scene)).toContain('chain vif7.0');
  });

  it('after a crash, what is left is taken up, or away where the link was freed meanwhile', async () => {
    const { world, daemon } = scene;
    await takeIntoBridge(world.host, 'vif8.0');
    await untilState(daemon, 'vif8.0', 'taken');
    await daemon.kill();
    await freeFromBridge(world.host, 'vif8.0');
    const next = await world.startDaemon();
    await untilState(next, 'vif7.0', 'taken');
    await untilState(next, 'vif8.0');
    expect(await rules(scene)).toContain('chain vif7.0');
    expect(await rules(scene)).not.toContain('chain vif8.0');
  });

  it('cleanup takes the table away', async () => {
    await scene.daemon.stop();
    expect(await hasTable(scene)).toBe(true);
    expect((await scene.world.cli(['cleanup'])).exitCode).toBe(0);
    expect(await hasTable(scene)).toBe(false);
  });

  it('a device on top of a link is as good as a bridge', async () => {
    const { world, daemon } = scene;
    await world.host.ip('link add link vif8.0 name m0 type macvlan');
    const { reason } = await untilState(daemon, 'vif8.0', 'taken');
    expect(reason).toContain('macvlan m0 is on top of vif8.0');
    expect(await rules(scene)).toContain('chain vif8.0');
    await world.host.ip('link del m0');
    await untilState(daemon, 'vif8.0');
  });
});

describe('from a link in a bridge', () => {
  let arena: Arena;
  let names = 1_000_000;
  const mark = () => {
    names += 1;
    return { bytes: tag(names), name: names };
  };

  beforeAll(async () => {
    arena = await openArena('ours');
    const { world, zones, daemon } = arena.parts;
    await addBridge(world.host);
    // The sibling's is somebody else's guest from now on: no zone directory knows it.
    await world.removeZoneFile(zones[1].link);
    await takeIntoBridge(world.host, ...zones.map(({ link }) => link));
    if (daemon === undefined) throw new Error('ours has a daemon');
    await untilState(daemon, zones[0].link, 'taken');
    await untilState(daemon, zones[1].link, 'unserved');
  });
  afterAll(() => arena.destroy());

  /** True where a frame that was sent is seen at the other place before one that is sent behind it. */
  async function arrives(from: 'zone' | 'sibling', frame: (bytes: Buffer) => Buffer): Promise<boolean> {
    const { tools, places, watches, cast } = arena.parts;
    const to = from === 'zone' ? 'sibling' : 'zone';
    const [tried, last] = [mark(), mark()];
    const ends = [cast[from].ipv4, cast[to].ipv4] as const;
    const content = packet('ipv4', ...ends, udp(4710, 4711, last.bytes, ends));
    const honest = ethernet(cast[to].mac, cast[from].mac, etherTypes.ipv4, content);
    await tools.send(places[from], [frame(tried.bytes), honest]);
    const seen = (name: number) => watches.get(to)?.sightings.some((each) => each.name === name) === true;
    await waitFor(() => seen(last.name), { what: 'the frame that is sent last' });
    return seen(tried.name);
  }

  const data = (family: 'ipv4' | 'ipv6', source: (cast: Arena['parts']['cast']) => string) => (bytes: Buffer) => {
    const { cast } = arena.parts;
    const ends = [source(cast), cast.sibling[family]] as const;
    return toSibling(cast, packet(family, ...ends, udp(4710, 4711, bytes, ends)));
  };
  const claim = (sender: string, asked: string) => (bytes: Buffer) => {
    const { zone, sibling } = arena.parts.cast;
    const question = arp({ operation: 'request', sender: [zone.mac, sender], target: ['00:00:00:00:00:00', asked] });
    return ethernet(sibling.mac, zone.mac, etherTypes.arp, Buffer.concat([question, bytes]));
  };
  const discovery = (type: 135 | 136, source: string, target: string) => (bytes: Buffer) => {
    const { zone, sibling } = arena.parts.cast;
    const own = Buffer.concat([Buffer.from([2, 1]), macBytes(zone.mac), Buffer.from([253, 2, 0, 0]), bytes]);
    const message = icmpv6([source, 'ff02::1'], type, 0, 0, Buffer.concat([addressBytes(target), own]));
    return ethernet(sibling.mac, zone.mac, etherTypes.ipv6, ipv6(source, 'ff02::1', message, { hopLimit: 255 }));
  };

  it('its own packets arrive, ARP and neighbour discovery for its own address too', async () => {
    const { zone, sibling } = arena.parts.cast;
    for (const [what, frame] of [
      ['IPv4', data('ipv4', (cast) => cast.zone.ipv4)],
      ['IPv6', data('ipv6', (cast) => cast.zone.ipv6)],
      ['ARP', claim(zone.ipv4, sibling.ipv4)],
      ['an ARP probe', claim('0.0.0.0', zone.ipv4)],
      ['a solicitation', discovery(135, zone.linkLocal, sibling.ipv6)],
      ['a probe', discovery(135, '::', zone.ipv6)],
      ['an advertisement', discovery(136, zone.ipv6, zone.ipv6)],
      ['an advertisement for link-local', discovery(136, zone.linkLocal, zone.linkLocal)],
    ] as const) {
      expect(await arrives('zone', frame), what).toBe(true);
    }
  });

  it('what is forged does not, and is counted as the zone’s; a guest that is not ours sends what it likes', async () => {
    const { daemon, cast } = arena.parts;
    const spoofed = async () =>
      (await daemon?.status())?.zones.find(({ link }) => link === 'vif7.0')?.dropped.source?.packets ?? 0;
    const before = await spoofed();
    expect(
      await arrives(
        'zone',
        data('ipv4', () => '10.75.0.99'),
      ),
    ).toBe(false);
    expect(
      await arrives(
        'zone',
        data('ipv6', () => 'fdd4:1476:6c7e::99'),
      ),
    ).toBe(false);
    expect(await arrives('zone', claim(cast.gateway.ipv4, cast.gateway.ipv4))).toBe(false);
    expect(await arrives('zone', discovery(136, cast.zone.ipv6, cast.gateway.ipv6))).toBe(false);
    expect(await spoofed()).toBe(before + 4);
    const fromSibling = (bytes: Buffer) => {
      const ends = ['10.75.0.99', cast.zone.ipv4] as const;
      const content = packet('ipv4', ...ends, udp(4710, 4711, bytes, ends));
      return ethernet(cast.zone.mac, cast.sibling.mac, etherTypes.ipv4, content);
    };
    expect(await arrives('sibling', fromSibling)).toBe(true);
  });

  it('nothing arrives while a policy is enforced on it, and what arrived does again without one', async () => {
    const { world } = arena.parts;
    const own = data('ipv4', (cast) => cast.zone.ipv4);
    const lets = async () =>
      / accept$/m.test(await world.host.mustExec('nft', ['-s', 'list', 'chain', 'netdev', 'edera', 'vif7.0']));
    const policy = (mode: string) => `[[policy]]\nzones = ["*"]\negress.mode = "${mode}"\negress.allow = ["icmp"]\n`;
    await world.files.writePolicy('all.toml', policy('enforce'));
    await waitFor(async () => !(await lets()), { what: 'the chain to let nothing pass' });
    const { tools, places, watches } = arena.parts;
    const [tried, last] = [mark(), mark()];
    await tools.send(places.zone, [own(tried.bytes)]);
    await world.files.writePolicy('all.toml', policy('audit'));
    await waitFor(lets, { what: 'the chain to let its own pass' });
    await tools.send(places.zone, [own(last.bytes)]);
    const seen = (name: number) => watches.get('sibling')?.sightings.some((each) => each.name === name) === true;
    await waitFor(() => seen(last.name), { what: 'what is sent last' });
    expect(seen(tried.name)).toBe(false);
    await world.files.writePolicy('all.toml', '');
  });

  it('its own packets to dom0 are no forgery of the bridge’s', async () => {
    const { world, daemon, cast, tools, places, zones } = arena.parts;
    if (daemon === undefined) throw new Error('ours has a daemon');
    const bridge = (await world.host.mustExec('cat', [`/sys/class/net/${bridgeName}/address`])).trim();
    const frame = (source: string) => {
      const ends = [source, cast.host.ipv4] as const;
      return packet('ipv4', ...ends, udp(4710, 4711, mark().bytes, ends));
    };
    await tools.send(places.zone, [ethernet(bridge, cast.zone.mac, etherTypes.ipv4, frame(cast.zone.ipv4))]);
    await waitFor(async () => (await forgedCount()) > 0, { what: 'the guard to have seen it' });
    // What the kernel tells afterwards: a real one.
    await freeFromBridge(world.host, zones[1].link);
    await world.declareZone(zones[1]);
    await untilState(daemon, zones[1].link);
    const forged = packet('ipv4', '10.75.0.99', cast.host.ipv4, udp(4710, 4711, mark().bytes));
    await tools.send(places.sibling, [ethernet(cast.linkMac, cast.sibling.mac, etherTypes.ipv4, forged)]);
    await daemon.waitForLog(({ event }) => event === 'forgery');
    expect(daemon.log.filter(({ event }) => event === 'forgery').map(({ link }) => link)).toEqual([zones[1].link]);

    async function forgedCount(): Promise<number> {
      const text = await world.host.mustExec('nft', ['list', 'chain', 'inet', 'edera', 'forged']);
      return Number(/counter packets (\d+) bytes \d+ drop/.exec(text)?.[1]);
    }
  });
});
