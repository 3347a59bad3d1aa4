/** Under which address zones leave by the uplink, as the settings have it; and that they leave under no other. */
import { beforeEach, describe, expect, it } from 'vitest';
import { type Family, families } from '../../src/model/address.ts';
import { farHost, hostUplink, netbackMac } from '../lab/addresses.ts';
import { ethernet, etherTypes, icmp, icmpv6, ipv4, ipv6 } from '../lab/frames/packets.ts';
import { frameTools } from '../lab/frames/tools.ts';
import { isCutOff, openScene, reaches, type Scene, untilNothingToDo } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';

/** dom0's second address of each family on the uplink. */
const second = { ipv4: '192.0.2.77', ipv6: '2001:db8::77' };

let scene: Scene;
beforeEach(async () => {
  scene = await openScene({ routeBack: true });
  const { world } = scene;
  await world.host.ip(
    `address add ${second.ipv4}/24 dev uplink0`,
    `address add ${second.ipv6}/64 dev uplink0 nodad preferred_lft 0`,
  );
  await world.internet.mustExec('nft', [
    [
      'add table inet lab',
      'add set inet lab seen4 { type ipv4_addr; flags dynamic; size 100; }',
      'add set inet lab seen6 { type ipv6_addr; flags dynamic; size 100; }',
      'add chain inet lab seen { type filter hook prerouting priority -300; }',
      `add rule inet lab seen ip daddr ${farHost.ipv4} add @seen4 { ip saddr }`,
      `add rule inet lab seen ip6 daddr ${farHost.ipv6} add @seen6 { ip6 saddr }`,
    ].join('; '),
  ]);
  return () => world.destroy();
});

describe('a zone leaves by the uplink', () => {
  it('under the host’s address by default', async () => {
    expect(await seen()).toEqual([hostUplink.ipv4, hostUplink.ipv6]);
  });

  it('under its own address in the family whose masquerade is off, at once', async () => {
    const { ipv4: own4, ipv6: own6 } = scene.zones[0];
    await reload({ masquerade6: false });
    expect(await seen()).toEqual([hostUplink.ipv4, own6]);
    await reload({ masquerade4: false });
    expect(await seen()).toEqual([own4, hostUplink.ipv6]);
    await reload({});
    expect(await seen()).toEqual([hostUplink.ipv4, hostUplink.ipv6]);
  });

  it('under its own address to where no masquerade is wanted', async () => {
    const { ipv4: own4, ipv6: own6 } = scene.zones[0];
    await reload({ 'no-masquerade': ['198.51.100.0/24', farHost.ipv6] });
    expect(await seen()).toEqual([own4, own6]);
    await reload({ 'no-masquerade': ['203.0.113.0/24'] });
    expect(await seen()).toEqual([hostUplink.ipv4, hostUplink.ipv6]);
  });

  it('under the addresses that the settings name', async () => {
    await reload({ source: [second.ipv6, second.ipv4] });
    expect(await seen()).toEqual([second.ipv4, second.ipv6]);
    await reload({ source: [second.ipv4] });
    expect(await seen()).toEqual([second.ipv4, hostUplink.ipv6]);
  });

  it('under its own address to any of many prefixes, and to no other', async () => {
    const many = Array.from({ length: 60 }, (_, index) => `10.${index}.0.0/16`);
    await reload({ 'no-masquerade': [...many, '198.51.101.0/24', '2001:db8:fffe::/48'] });
    expect(await seen()).toEqual([hostUplink.ipv4, hostUplink.ipv6]);
    const { ipv4: own4, ipv6: own6 } = scene.zones[0];
    await reload({ 'no-masquerade': [...many, `${farHost.ipv4}/31`, '198.51.101.0/24', farHost.ipv6] });
    expect(await seen()).toEqual([own4, own6]);
    await untilNothingToDo(scene.world);
    expect(await leaks()).toBe(0);
  });

  it('under an address that this host does not have, of which it is warned until the host has it', async () => {
    const warnings = async () => (await scene.daemon.status()).warnings.join('\n');
    await reload({ source: ['192.0.2.78'] });
    await waitFor(async () => (await warnings()).includes('uplink.source names 192.0.2.78'), { what: 'a warning' });
    await scene.world.host.ip('address add 192.0.2.78/24 dev uplink0');
    await waitFor(async () => !(await warnings()).includes('uplink.source'), { what: 'the warning to end' });
    expect(await seen()).toEqual(['192.0.2.78', hostUplink.ipv6]);
  });

  it('under its own address when it answers who asked it there', async () => {
    const { world, zones } = scene;
    for (const family of families) expect(await reaches(world.internet, zones[0][family]), family).toBe(true);
    expect(await leaks()).toBe(0);
  });
});

describe.each(families)('a connection that is open while masquerade is switched (%s)', (family) => {
  const setting = `masquerade${family === 'ipv4' ? 4 : 6}`;

  it('keeps the host’s address when it is switched off', async () => {
    const flow = await openFlow(family);
    expect(await sources()).toEqual([hostUplink[family]]);
    await reload({ [setting]: false });
    await flow.goesOn();
    expect(await sources()).toEqual([hostUplink[family]]);
    await flow.stop();
  });

  it('is dropped when it is switched on and it began under the zone’s own address, and a new one passes', async () => {
    await reload({ [setting]: false });
    const flow = await openFlow(family);
    expect(await sources()).toEqual([scene.zones[0][family]]);
    await reload({});
    await scene.world.internet.mustExec('nft', ['flush set inet lab seen4; flush set inet lab seen6']);
    const before = await leaks();
    await waitFor(async () => (await leaks()) > before + 1, { what: 'its packets to be dropped' });
    expect(await sources()).toEqual([]);
    await flow.stop();
    expect(await seen()).toEqual([hostUplink.ipv4, hostUplink.ipv6]);
  });
});

describe.each(families)('with masquerade off a zone leaves under no address but its own (%s)', (family) => {
  it.each([
    ['a sibling’s', () => String(scene.zones[1][family])],
    ['nobody’s, of the subnet', () => ({ ipv4: '10.75.0.99', ipv6: 'fdd4:1476:6c7e::99' })[family]],
    ['the host’s', () => hostUplink[family]],
    ['anybody’s', () => ({ ipv4: '203.0.113.9', ipv6: '2001:db8:9::9' })[family]],
  ])('%s', async (_whose, forged) => {
    await reload({ masquerade4: false, masquerade6: false });
    const [zone] = scene.zones;
    // Deprecated: the zone's own traffic goes on under its own address.
    const how = family === 'ipv4' ? '/32 dev eth0' : '/128 dev eth0 nodad preferred_lft 0';
    await zone.ip(`address add ${forged()}${how}`);
    expect(await isCutOff(zone, farHost[family], forged())).toBe(true);
    expect(await sources()).not.toContain(forged());
    expect((await seen()).sort()).toEqual([zone.ipv4, zone.ipv6].map(String).sort());
  });
});

describe.each(families)('nothing leaves under a zone’s inner address (%s)', (family) => {
  it('that connection tracking calls invalid', async () => {
    const [zone] = scene.zones;
    const { send } = await frameTools(scene.world);
    const mac = (await zone.mustExec('cat', ['/sys/class/net/eth0/address'])).trim();
    const ends = [String(zone[family]), farHost[family]] as const;
    const data = Buffer.alloc(8);
    // An echo reply that nobody asked for.
    const packet =
      family === 'ipv4' ? ipv4(...ends, icmp(0, 0, 1, data)) : ipv6(...ends, icmpv6(ends, 129, 0, 1, data));
    await send(zone, [ethernet(netbackMac, mac, etherTypes[family], packet)], { rounds: 3 });
    await waitFor(async () => (await leaks()) === 3, { what: 'three packets to be dropped' });
    expect(await seen()).toEqual([hostUplink.ipv4, hostUplink.ipv6]);
  });

  it('that somebody keeps from being tracked, unless it goes where no masquerade is wanted', async () => {
    const { world, zones } = scene;
    const [table, field] = family === 'ipv4' ? ['ip lab', 'ip saddr'] : ['ip6 lab', 'ip6 saddr'];
    await world.host.nft(
      `add table ${table}; add chain ${table} raw { type filter hook prerouting priority -300; }; add rule ${table} raw ${field} ${zones[0][family]} notrack`,
    );
    await ping();
    expect(await leaks()).toBe(1);
    expect(await sources()).toEqual([family === 'ipv4' ? hostUplink.ipv6 : hostUplink.ipv4]);
    await reload({ 'no-masquerade': [farHost[family]] });
    await ping();
    expect(await leaks()).toBe(1);
    expect(await sources()).toContain(zones[0][family]);
  });

  it('of a connection that was opened without our table', async () => {
    const { world, daemon, zones } = scene;
    const [zone] = zones;
    process.kill(daemon.pid, 'SIGSTOP');
    // As while somebody's flush has taken it; tracking goes on.
    await world.host.nft(
      'flush ruleset; add table inet lab; add chain inet lab post { type filter hook postrouting priority 0; }; add rule inet lab post ct state new counter',
    );
    const flow = zone.spawn('ping', ['-i', '0.2', farHost[family]]);
    await waitFor(async () => (await sources()).includes(String(zone[family])), { what: 'its own address outside' });
    process.kill(daemon.pid, 'SIGCONT');
    await waitFor(async () => (await leaks()) >= 3, { what: 'its packets to be dropped', deadlineMs: 20_000 });
    await flow.stop();
    expect(await seen()).toEqual([hostUplink.ipv4, hostUplink.ipv6]);
  });
});

/** A flow of echo requests under one identifier, which is one connection. */
async function openFlow(family: Family) {
  const flow = scene.zones[0].spawn('ping', ['-i', '0.2', farHost[family]]);
  const heard = async () => (await sources()).length > 0;
  await waitFor(heard, { what: 'the flow to be heard outside' });
  return {
    async goesOn() {
      await scene.world.internet.mustExec('nft', ['flush set inet lab seen4; flush set inet lab seen6']);
      await waitFor(heard, { what: 'the flow to be heard again' });
    },
    stop: () => flow.stop(),
  };
}

/** New connections to the far host, one of each family. */
async function ping(): Promise<void> {
  for (const family of families) await reaches(scene.zones[0], farHost[family]);
}

async function seen(): Promise<string[]> {
  await scene.world.internet.mustExec('nft', ['flush set inet lab seen4; flush set inet lab seen6']);
  await ping();
  return sources();
}

/** Whom the far host has heard, IPv4 first. */
async function sources(): Promise<string[]> {
  const sets = await Promise.all(
    ['seen4', 'seen6'].map((name) => scene.world.internet.mustExec('nft', ['list', 'set', 'inet', 'lab', name])),
  );
  return sets.flatMap((text) => (/elements = \{([^}]*)\}/.exec(text)?.[1] ?? '').split(',')).flatMap(toAddress);
}

function toAddress(text: string): string[] {
  const address = text.trim().split(/\s/)[0] ?? '';
  return address === '' ? [] : [address];
}

async function reload(uplink: Readonly<Record<string, unknown>>): Promise<void> {
  const { world, daemon } = scene;
  const before = (await daemon.status()).transactions;
  await world.files.writeSettings({ uplink });
  await waitFor(async () => (await daemon.status()).transactions > before, { what: 'the settings to be in force' });
}

async function leaks(): Promise<number> {
  const { zones } = await scene.daemon.status();
  return zones.find(({ link }) => link === scene.zones[0].link)?.dropped.untranslated?.packets ?? Number.NaN;
}

describe('status names the uplink', () => {
  it.each([
    ['of two lines', ['route replace default nexthop via 192.0.2.254 dev uplink0 nexthop via 192.0.2.253 dev uplink0']],
    [
      'of a default route in a table of its own',
      [
        'route del default',
        'route add default via 192.0.2.254 dev uplink0 table 51820',
        'rule add not fwmark 51820 table 51820',
      ],
    ],
    [
      'where only some networks are known',
      ['route del default', 'route add 198.51.100.0/24 via 192.0.2.254 dev uplink0'],
    ],
  ])('%s', async (_name, commands) => {
    await scene.world.host.ip(...commands);
    const { uplinks } = await scene.daemon.status();
    expect(uplinks).toContainEqual({ interface: 'uplink0', families: expect.arrayContaining(['ipv4']) });
  });
});
