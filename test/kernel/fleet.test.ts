/** Zones of two dom0s with real BIRD and a router between them: what they reach, what is announced, and what nobody may forge. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gateway, internetGateway } from '../lab/addresses.ts';
import { ipBatch } from '../lab/command.ts';
import { programPath } from '../lab/daemon.ts';
import { startEchoServer, tcpConnect } from '../lab/echo.ts';
import { type Dom0, type Fleet, fleetSettings, openFleet } from '../lab/fleet.ts';
import { freshNamespaceLines } from '../lab/fresh-namespace.ts';
import { Namespace } from '../lab/namespace.ts';
import { ping } from '../lab/ping.ts';
import { isCutOff, reaches, untilState } from '../lab/served.ts';
import { farIndex } from '../lab/topology.ts';
import { waitFor } from '../lab/wait-for.ts';
import type { Zone } from '../lab/zone.ts';

let fleet: Fleet;
let two: Dom0;
let three: Dom0;
let seven: Zone;
let eight: Zone;

beforeAll(async () => {
  fleet = await openFleet();
  [two, three] = [fleet.host(2), fleet.host(3)];
  [seven, eight] = [await two.addZone(7), await three.addZone(8)];
  await untilReached(seven, eight);
});
afterAll(() => fleet?.destroy());

describe('zones of two hosts', () => {
  it('reach each other under their own addresses, in both families and directions', async () => {
    for (const [from, to] of [
      [seven, eight],
      [eight, seven],
    ] as const) {
      for (const [source, target] of [
        [from.ipv4, to.ipv4],
        [from.ipv6, to.ipv6],
      ]) {
        await watchSources(to);
        expect(await reaches(from, target)).toBe(true);
        expect(await sourcesAt(to)).toContain(source);
      }
    }
  });

  it('are all that is announced, whatever else this host routes', async () => {
    await two.world.host.ip(
      'route add 10.75.2.99/32 dev eth0',
      'route add blackhole 10.75.2.98/32',
      'route add 10.99.0.0/16 dev eth0',
      'route add 10.75.2.128/25 dev eth0',
    );
    try {
      await ninth(async (zone) => {
        for (const address of [zone.ipv4, zone.ipv6]) await untilAnnounced(address);
        expect(await announced()).toEqual(
          [seven, eight, zone].flatMap(({ ipv4, ipv6 }) => [`${ipv4}/32`, `${ipv6}/128`]).sort(),
        );
      });
      await untilWithdrawn('10.75.2.9');
    } finally {
      await two.world.host.ip(
        'route del 10.75.2.99/32',
        'route del blackhole 10.75.2.98/32',
        'route del 10.99.0.0/16',
        'route del 10.75.2.128/25',
      );
    }
  });

  it('and nothing else that a router announces is believed', async () => {
    const { bird } = router();
    const before = bird.config;
    const wrong = ['0.0.0.0/0', '10.99.0.0/16', '10.75.3.0/24', '10.75.2.200/32', '192.0.2.77/32'];
    const routes = wrong.map((prefix) => `route ${prefix} unreachable;`).join(' ');
    const says = 'export filter { if source = RTS_STATIC then bgp_origin = ORIGIN_INCOMPLETE; accept; }';
    const open = before.replaceAll('export filter of_fleet', says);
    const refused = rejectedBy(await two.bird.ask('show', 'protocols', 'all', 'router1'));
    await bird.reconfigure(`${open}\nprotocol static { ipv4; ${routes} }\n`);
    try {
      await waitFor(
        async () => rejectedBy(await two.bird.ask('show', 'protocols', 'all', 'router1')) >= refused + wrong.length,
        {
          what: 'what the router announces',
        },
      );
      const routed = (await two.world.host.routes()).filter(
        ({ dev, gateway: via }) => dev === 'eth0' && via !== undefined,
      );
      expect(routed.map(({ dst }) => dst)).toEqual([eight.ipv4]);
      expect(await reaches(eight, seven.ipv4)).toBe(true);
    } finally {
      await bird.reconfigure(before);
    }
  });
});

it('a policy leads to a zone of another host by its name, to its port alone, and for as long as it is named', async () => {
  const [{ port: open }, { port: closed }] = [await startEchoServer(eight, 7000), await startEchoServer(eight, 7001)];
  const { world, daemon } = two;
  const may = (port: number) => tcpConnect(seven, String(eight.ipv4), port);
  const settings = fleetSettings(2, 1);
  await world.files.writeSettings({ fleet: { ...settings['fleet'], zones: { db: [eight.ipv4, eight.ipv6] } } });
  await world.files.writePolicy('fleet.toml', `[[policy]]\nzones = ["*"]\negress.allow = ["zone:db:${open}"]\n`);
  try {
    await waitFor(async () => !(await may(closed)).ok, { what: 'the policy to be in force' });
    await waitFor(async () => (await may(open)).ok, { what: 'the zone that is named' });
    const told = await world.cli(['explain', seven.link, '--to', `db:${open}`]);
    expect(told).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`zone:db:${open}`) });
    await world.files.writeSettings(settings);
    await waitFor(async () => !(await may(open)).ok, { what: 'it to be closed with its name' });
    await waitFor(async () => JSON.stringify((await daemon.status()).faults).includes('there is no zone'), {
      what: 'the rule to be told as one that opens nothing',
    });
  } finally {
    await world.files.writePolicy('fleet.toml', '');
    await waitFor(async () => (await may(closed)).ok, { what: 'everything to be open again' });
  }
});

describe('nobody', () => {
  let lan: Namespace;
  beforeAll(async () => {
    lan = new Namespace(`${two.world.prefix}-lan`);
    await ipBatch([
      ...freshNamespaceLines(lan.name),
      `link add lan-host ${farIndex}9 netns ${router().namespace.name} type veth peer name eth0 netns ${lan.name}`,
    ]);
    await router().namespace.ip('link set lan-host master lan', 'link set lan-host up');
    await lan.ip(
      'link set lo up',
      'address add 10.0.1.99/24 dev eth0',
      'address add fd00:1::99/64 dev eth0 nodad',
      'link set eth0 up',
      'route add 10.75.2.0/24 via 10.0.1.2',
      'route add fdd4:1476:6c7e:2::/64 via fd00:1::2',
    );
  });

  it.each([
    ['a zone of the host itself', () => [seven.ipv4, seven.ipv6]],
    ['the gateway', () => [gateway.ipv4, gateway.ipv6]],
  ])('on the LAN of the hosts is %s', async (_, addresses) => {
    await ninth(async (zone) => {
      await watchSources(zone);
      for (const [index, source] of addresses().entries()) {
        await forgeAt(lan, source, [zone.ipv4, zone.ipv6][index]);
      }
      expect((await sourcesAt(zone)).filter((source) => addresses().includes(source))).toEqual([]);
      // The control: what the LAN's host sends in its own name arrives.
      await ping(lan, String(zone.ipv4), { timeoutMs: 200 });
      expect(await sourcesAt(zone)).toContain('10.0.1.99');
    });
  });

  it('by another link than those to the hosts is a zone of another host', async () => {
    await two.world.internet.ip(
      'route add 10.75.2.0/24 via 192.0.2.1',
      'route add fdd4:1476:6c7e:2::/64 via 2001:db8::1',
    );
    await watchSources(seven);
    await forgeAt(two.world.internet, eight.ipv4, seven.ipv4);
    await forgeAt(two.world.internet, eight.ipv6, seven.ipv6);
    const seen = await sourcesAt(seven);
    expect(seen.filter((source) => source === eight.ipv4 || source === eight.ipv6)).toEqual([]);
    await ping(two.world.internet, String(seven.ipv4), { timeoutMs: 200 });
    expect(await sourcesAt(seven)).toContain(internetGateway.ipv4);
  });

  it('in a zone is a zone of another host, or the gateway', async () => {
    await watchSources(eight);
    for (const source of ['10.75.3.9', '10.75.2.200', gateway.ipv4]) await forgeAt(seven, source, eight.ipv4);
    expect((await sourcesAt(eight)).filter((source) => source !== seven.ipv4 && source.startsWith('10.75'))).toEqual(
      [],
    );
  });
});

describe('a packet to an address that no zone has', () => {
  it.each([
    ['of this host’s block', '10.75.2.66', 'fdd4:1476:6c7e:2::66'],
    ['of another’s', '10.75.3.66', 'fdd4:1476:6c7e:3::66'],
    ['of a host that is not there', '10.75.44.66', 'fdd4:1476:6c7e:44::66'],
  ])('%s leaves by no link', async (_, ...targets) => {
    const { host } = two.world;
    await host.mustExec('nft', [
      [
        'add table netdev lab',
        'delete table netdev lab',
        'add table netdev lab',
        ...['eth0', 'uplink0'].flatMap((link) => [
          `add chain netdev lab ${link} { type filter hook egress device "${link}" priority 0; }`,
          ...targets.map((to) => `add rule netdev lab ${link} ${to.includes(':') ? 'ip6' : 'ip'} daddr ${to} counter`),
        ]),
      ].join('; '),
    ]);
    for (const to of targets) expect(await isCutOff(seven, to)).toBe(true);
    const text = await host.mustExec('nft', ['list', 'table', 'netdev', 'lab']);
    expect(text.match(/packets \d+/g)).toEqual(['packets 0', 'packets 0', 'packets 0', 'packets 0']);
    await host.mustExec('nft', ['delete', 'table', 'netdev', 'lab']);
  });

  it('is still so when somebody takes the block’s route away', async () => {
    const { host } = two.world;
    await host.ip('route del unreachable 10.75.2.0/24', 'route del unreachable fdd4:1476:6c7e:2::/64');
    const all = async () => [...(await host.routes(4)), ...(await host.routes(6))];
    await waitFor(async () => (await all()).filter(({ type }) => type === 'unreachable').length === 2, {
      what: 'the unreachable routes',
    });
  });
});

describe('no ping between zones of two hosts is lost', () => {
  it('when BIRD is killed and comes back', async () => {
    await duringPings(async () => {
      await two.bird.stop('SIGKILL');
      two.bird.start();
      await fleet.untilConnected();
    });
  });

  it('when BIRD is restarted', async () => {
    await duringPings(async () => {
      await two.bird.stopGracefully();
      two.bird.start();
      await fleet.untilConnected();
    });
  });

  it('when the daemon is killed and comes back', async () => {
    await duringPings(async () => {
      await two.daemon.kill();
      two.daemon = await two.world.startDaemon({});
      await untilState(two.daemon, seven.link);
    });
  });
});

it('a zone without carrier is not announced, and is again with it', async () => {
  await seven.ip('link set eth0 down');
  await untilWithdrawn(seven.ipv4);
  await two.daemon.waitForLog(({ event, link }) => event === 'withdrawn' && link === seven.link);
  await seven.ip(
    'link set eth0 up',
    `address add ${seven.ipv6}/128 dev eth0 nodad`,
    ...[gateway.ipv4, gateway.ipv6].map((via) => `route add default via ${via} dev eth0 onlink`),
  );
  await untilAnnounced(seven.ipv4);
  await untilReached(eight, seven);
  await two.daemon.waitForLog(({ event, link }) => event === 'withdrawn-over' && link === seven.link);
});

describe('a zone that moves to another host', () => {
  it.each([
    ['once it is gone from the first', true],
    ['while it is still there', false],
  ])('is reached there at once, and never at both, %s', async (_, isGone) => {
    const old = await two.addZone(20, { ipv6: null });
    await untilAnnounced(old.ipv4);
    await three.world.files.writeSettings(fleetSettings(3, 1, ['10.75.2.20']));
    await three.daemon.waitForLog(({ msg }) => String(msg).includes('configuration reloaded'));
    if (isGone) await old.remove();
    const there = await three.addZone(20, { ipv4: '10.75.2.20', ipv6: null });
    await untilReached(eight, there);
    await waitFor(
      async () => (await two.world.host.routes()).some(({ dst, dev }) => dst === '10.75.2.20' && dev === 'eth0'),
      {
        what: 'the route at the first host',
      },
    );
    if (!isGone) {
      await untilState(two.daemon, old.link, 'unserved');
      await watchSources(old);
    }
    await watchSources(there);
    await waitFor(() => reaches(seven, '10.75.2.20'), { what: 'the zone, from a sibling at its first host' });
    expect(await sourcesAt(there)).toContain(seven.ipv4);
    if (!isGone) expect(await sourcesAt(old)).toEqual([]);
    await there.remove();
    await three.world.removeZoneFile(there.link);
    if (!isGone) {
      await untilState(two.daemon, old.link);
      await waitFor(() => reaches(eight, '10.75.2.20'), { what: 'the zone that is left' });
      await old.remove();
    }
    await two.world.removeZoneFile(old.link);
    await three.world.files.writeSettings(fleetSettings(3, 1));
    three.daemon.log.length = 0;
    await three.daemon.waitForLog(({ msg }) => String(msg).includes('configuration reloaded'));
  });
});

/** IPv4 routes that the session's filter has refused so far. */
function rejectedBy(text: string): number {
  return Number(/Import updates:\s+\d+\s+\d+\s+(\d+)/.exec(text)?.[1] ?? 0);
}

it('status says how much of each block is given, and who announces it', async () => {
  const { stdout } = await two.world.cli(['status']);
  const said = stdout.replaceAll(/\s+/g, ' ');
  expect(said).toContain('block 10.75.2.0/24: 1 of 254; block fdd4:1476:6c7e:2::/64: 1 of 2^64; announced by bird');
});

it('explain knows the way to a zone of another host and back', async () => {
  const { stdout, exitCode } = await two.world.cli(['explain', seven.link, '--to', `${eight.ipv4}`, '--full']);
  expect([exitCode, stdout]).toEqual([
    0,
    expect.stringContaining('to another host of the fleet, which routes it back'),
  ]);
  const back = await two.world.cli(['explain', seven.link, '--from', `${eight.ipv4}`]);
  expect([back.exitCode, back.stdout]).toEqual([0, expect.stringContaining('passes')]);
});

describe('doctor', () => {
  it('finds nothing wrong with a host of a fleet', async () => {
    expect(await aboutFleet()).toEqual(['ok zones are announced to the other hosts of the fleet, and nothing else is']);
  });

  it.each([
    ['`learn` is missing', '  learn;', '', 'BIRD does not know 2 of 2 routes of zones'],
    ['the export filter is too narrow', 'bgp_origin = ORIGIN_INCOMPLETE', 'reject', 'router1 does not announce 2 of 2'],
    [
      'the export filter is too wide',
      'if source != RTS_INHERIT then reject;',
      'if source = RTS_STATIC then accept;',
      'router1 announces 1 routes that are none of zones, for instance 10.99.0.0/16',
    ],
    [
      'the router is another',
      'define ROUTER    = 10.0.1.254',
      'define ROUTER    = 10.0.1.253',
      'session router1 is down',
    ],
  ])('tells where %s', async (_, from, to, words) => {
    const before = two.bird.config;
    expect(before).toContain(from);
    await two.bird.reconfigure(
      `${before.replaceAll(from, to)}\nprotocol static { ipv4; route 10.99.0.0/16 blackhole; }\n`,
    );
    try {
      await waitFor(async () => (await aboutFleet()).join('\n').includes(words), { what: words, deadlineMs: 15_000 });
    } finally {
      await two.bird.reconfigure(before);
      await fleet.untilConnected();
    }
  });
});

it('500 zones move at once when their block does', async () => {
  const [count, block] = [500, '10.75.8.0/22'];
  for (const { world } of [two, three]) {
    const { names } = await world.addManyLinks(count, 1000);
    const ipv4 = (index: number) => `10.75.${8 + Math.floor((index + 1) / 256)}.${(index + 1) % 256}`;
    await Promise.all(names.map((link, index) => world.writeZoneFile(link, { ipv4: ipv4(index) })));
  }
  const viaOf = async (number: number) => {
    const text = await router().namespace.mustExec('ip', ['route', 'show', 'root', block]);
    return text.split('\n').filter((line) => line.includes(`via 10.0.1.${number} `)).length;
  };
  const untilAllAt = (there: number, not: number) =>
    waitFor(async () => (await viaOf(there)) === count && (await viaOf(not)) === 0, {
      what: `${count} routes to dom0 ${there} and none to dom0 ${not}`,
      deadlineMs: 60_000,
      everyMs: 50,
    });
  await two.world.files.writeSettings(fleetSettings(2, 1, [block]));
  await untilAllAt(2, 3);
  await Promise.all([
    two.world.files.writeSettings(fleetSettings(2, 1)),
    three.world.files.writeSettings(fleetSettings(3, 1, [block])),
  ]);
  await untilAllAt(3, 2);
});

/** What doctor says of the fleet, with dom0 2's BIRD where birdc looks for it. */
async function aboutFleet(): Promise<string[]> {
  const { host, files } = two.world;
  const script = 'mount -t tmpfs tmpfs /run && mkdir /run/bird && ln -s "$1" /run/bird/bird.ctl && shift && exec "$@"';
  const doctor = [programPath, 'doctor', '--json', ...files.options];
  const { stdout } = await host.exec('sh', ['-c', script, 'sh', two.bird.socket, ...doctor]);
  const { findings } = JSON.parse(stdout) as { findings: { check: string; level: string; what: string }[] };
  return findings.flatMap(({ check, level, what }) => (check === 'fleet' ? [`${level} ${what}`] : []));
}

function router() {
  const [first] = fleet.routers;
  if (first === undefined) throw new Error('no router');
  return first;
}

async function ninth(use: (zone: Zone) => Promise<void>): Promise<void> {
  const zone = await two.addZone(9);
  try {
    await use(zone);
  } finally {
    await zone.remove();
    await two.world.removeZoneFile(zone.link);
  }
}

/** The router's routes to single addresses, without the far ones of its own. */
async function announced(): Promise<string[]> {
  const text = await router().bird.ask('show', 'route', 'where source = RTS_BGP');
  return [...text.matchAll(/^(\S+\/(?:32|128)) /gm)].map((match) => String(match[1])).sort();
}

function untilAnnounced(address: string | undefined) {
  return waitFor(async () => (await announced()).some((route) => route.startsWith(`${address}/`)), {
    what: `${address} at the router`,
  });
}

function untilWithdrawn(address: string | undefined) {
  return waitFor(async () => !(await announced()).some((route) => route.startsWith(`${address}/`)), {
    what: `the end of ${address} at the router`,
    deadlineMs: 10_000,
  });
}

async function untilReached(from: Zone, to: Zone): Promise<void> {
  for (const address of [to.ipv4, to.ipv6]) {
    if (address !== undefined)
      await waitFor(() => reaches(from, address), { what: `${address} from ${from.ipv4}`, deadlineMs: 10_000 });
  }
}

/** Remembers from now on who sends to the zone. */
async function watchSources(zone: Namespace): Promise<void> {
  await zone.mustExec('nft', [
    [
      'add table inet lab',
      'delete table inet lab',
      'add table inet lab',
      'add set inet lab seen4 { type ipv4_addr; flags dynamic; size 100; }',
      'add set inet lab seen6 { type ipv6_addr; flags dynamic; size 100; }',
      'add chain inet lab seen { type filter hook prerouting priority -300; }',
      'add rule inet lab seen meta protocol ip add @seen4 { ip saddr }',
      'add rule inet lab seen meta protocol ip6 add @seen6 { ip6 saddr }',
    ].join('; '),
  ]);
}

async function sourcesAt(zone: Namespace): Promise<string[]> {
  const text = await zone.mustExec('nft', ['list', 'table', 'inet', 'lab']);
  return [...text.matchAll(/elements = \{([^}]*)\}/g)].flatMap((match) =>
    String(match[1])
      .split(',')
      .map((each) => each.trim()),
  );
}

/** Three packets under an address that is not the sender's. */
async function forgeAt(from: Namespace, source: string | undefined, to: string | undefined): Promise<void> {
  const six = String(source).includes(':');
  await from.ip(`address add ${source}/${six ? '128' : '32'} dev lo${six ? ' nodad' : ''}`);
  await ping(from, String(to), { count: 3, timeoutMs: 200, source: String(source) });
  await from.ip(`address del ${source}/${six ? '128' : '32'} dev lo`);
}

/** Pings in both families and directions all the while, and for a second more. */
async function duringPings(what: () => Promise<void>): Promise<void> {
  const flows = [
    [seven, eight.ipv4],
    [seven, eight.ipv6],
    [eight, seven.ipv4],
    [eight, seven.ipv6],
  ] as const;
  const pings = Promise.all(flows.map(([from, to]) => ping(from, String(to), { count: 300, intervalMs: 20 })));
  await what();
  for (const { sent, received } of await pings) expect(received).toBe(sent);
}
