/** From a link's event to the first echo request that the internet has answered, by a guest that tries twice a millisecond. */
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultAddresses, farHost, gateway, hostUplink, netbackMac, zoneSubnet } from '../test/lab/addresses.ts';
import { destroyNamespaces } from '../test/lab/cleanup.ts';
import { ipBatch, mustRun } from '../test/lab/command.ts';
import { freshNamespaceLines } from '../test/lab/fresh-namespace.ts';
import { Namespace } from '../test/lab/namespace.ts';
import { builds, type Contestant, contestant, type Name } from './contestants.ts';
import { compile, range } from './lab.ts';
import { type BenchOptions, figures, type Report, rounded } from './report.ts';

const entrants = [...builds, 'C program', 'vif-route', 'systemd-networkd'] as const satisfies readonly Name[];

export async function benchFirstPing({ quick }: BenchOptions): Promise<Report> {
  const rounds = quick ? 10 : 40;
  const domids = range(7, rounds + 2);
  const places: { each: Contestant; program: string; times: number[] }[] = [];
  try {
    for (const name of entrants) {
      const each = await contestant(name, domids);
      await openHost(each);
      places.push({ each, program: await compile(each.world, 'first-ping'), times: [] });
    }
    for (const [round, domid] of domids.entries()) {
      for (const { each, program, times } of places) {
        const milliseconds = await once(each, program, domid);
        if (round >= 2) times.push(milliseconds);
      }
    }
  } finally {
    for (const { each } of places) each.destroy();
  }
  const medianOf = (name: Name) => rows.find(({ by }) => by === name)?.median ?? Number.NaN;
  const rows = places.map(({ each, times }) => ({ by: each.name, ...figures(times) }));
  return {
    title:
      'The first ping: milliseconds from the link’s event to the first echo request that was answered from outside',
    rows,
    targets: [
      {
        what: 'ours, in multiples of the C program',
        value: rounded(medianOf('ours') / medianOf('C program')),
        limit: 1.05,
      },
    ],
    notes: [
      'IPv4, ARP for the gateway included. vif-route and systemd-networkd leave the kernel’s proxy_delay, 0 to 0.8 s.',
      'They neither masquerade nor turn on forwarding: here that is done for them, and the internet knows a way back.',
    ],
  };
}

/** What the others leave to the operator. */
async function openHost({ name, world }: Contestant): Promise<void> {
  if (builds.includes(name)) return;
  await world.host.setSysctls({ 'net/ipv4/ip_forward': 1 });
  await world.internet.ip(`route add ${zoneSubnet.ipv4.text} via ${hostUplink.ipv4}`);
}

async function once({ world, name }: Contestant, program: string, domid: number): Promise<number> {
  const guest = new Namespace(`${world.prefix}-guest${domid}`);
  await ipBatch(freshNamespaceLines(guest.name));
  try {
    const { ipv4 } = defaultAddresses(domid, 0);
    const pinger = guest.spawn(program, [ipv4, gateway.ipv4, farHost.ipv4]);
    await pinger.waitForLine((line) => line === 'ready');
    await mustRun('ip', [
      'link',
      'add',
      `vif${domid}.0`,
      'netns',
      world.host.name,
      'address',
      netbackMac,
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      guest.name,
    ]);
    const line = await pinger.waitForLine((text) => text !== 'ready', { deadlineMs: 30_000 });
    if (line === '-1') throw new Error(`${name}: no ping of vif${domid}.0 was answered`);
    await sleep(100 + Math.random() * 20);
    return Number(line) / 1000;
  } finally {
    destroyNamespaces([guest.name]);
  }
}
