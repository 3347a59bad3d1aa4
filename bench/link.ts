/** From a link's event to everything in place for it, one link at a time, side by side with others. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Contestant, contestant, type Name, names } from './contestants.ts';
import { Announcements } from './lab.ts';
import { type BenchOptions, figures, type Report, rounded } from './report.ts';

/** Until nobody has done anything for so long: a hotplug script rests for some milliseconds between two steps. */
const quietMs = 200;
/** Opened before any is counted: nobody's first is like the others. */
const warmUp = 3;

interface Entrant {
  readonly contestant: Contestant;
  readonly announcements: Announcements;
  readonly times: number[];
}

export async function benchLink({ quick }: BenchOptions): Promise<Report> {
  const rounds = quick ? 15 : 50;
  const domids = Array.from({ length: rounds + warmUp }, (_, index) => 7 + index);
  const entrants: Entrant[] = [];
  try {
    for (const name of names) entrants.push(await enter(name, domids));
    for (const [round, domid] of domids.entries()) {
      for (const entrant of turned(entrants, round)) await once(entrant, domid, round >= warmUp);
    }
    for (const { contestant: each } of entrants) await requireRoutes(each, domids);
    for (const { announcements } of entrants) await announcements.stop();
  } finally {
    for (const { contestant: each } of entrants) each.destroy();
  }
  return reportOf(new Map(entrants.map(({ contestant: { name }, times }) => [name, times])));
}

async function enter(name: Name, domids: readonly number[]): Promise<Entrant> {
  const entrant = await contestant(name, domids);
  return { contestant: entrant, announcements: await Announcements.start(entrant.world), times: [] };
}

async function once(
  { contestant: each, announcements, times }: Entrant,
  domid: number,
  counts: boolean,
): Promise<void> {
  const proxy = each.proxy === undefined ? undefined : { address: each.proxy, link: `vif${domid}.0` };
  const { lastWork, proxied } = await announcements.after(() => each.bear(domid), quietMs, proxy);
  if (lastWork === undefined) throw new Error(`${each.name} did nothing for vif${domid}.0`);
  if (proxy !== undefined && proxied === undefined)
    throw new Error(`${each.name}: vif${domid}.0 has no neighbour proxy`);
  if (counts) times.push(Math.max(lastWork, proxied ?? 0));
  // A random pause hits no timer's beat.
  await sleep(Math.random() * 20);
}

/** A contestant that did half its work would be a fast one. */
async function requireRoutes({ name, world }: Contestant, domids: readonly number[]): Promise<void> {
  const routes = (await world.host.routes(4)).filter(({ dst, dev }) => /^10\.75\.\d+\.\d+$/.test(dst) && dev !== 'lo');
  if (routes.length < domids.length) throw new Error(`${name} made ${routes.length} routes for ${domids.length} links`);
}

/** Everybody is first, second and last equally often. */
function turned<T>(items: readonly T[], by: number): T[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

function reportOf(times: ReadonlyMap<Name, readonly number[]>): Report {
  const medians = new Map([...times].map(([name, series]) => [name, figures(series).median]));
  const ours = medians.get('ours') ?? Number.NaN;
  const against = (name: Name) => rounded((medians.get(name) ?? Number.NaN) / ours);
  return {
    title: 'One link: milliseconds from the kernel’s event to everything in place',
    rows: [...times].map(([by, series]) => ({ by, ...figures(series), 'times ours': against(by) })),
    targets: [
      { what: 'ours, in multiples of the C program', value: rounded(1 / against('C program')), limit: 1 },
      { what: 'vif-route, in multiples of ours', value: against('vif-route'), limit: 15, atLeast: true },
      { what: 'systemd-networkd, in multiples of ours', value: against('systemd-networkd'), limit: 6, atLeast: true },
      { what: 'CNI ptp, in multiples of ours', value: against('CNI ptp'), limit: 8, atLeast: true },
    ],
    notes: [
      'ours and the C program: guard, accepts, sysctls, link up, routes, proxy ARP and NDP, both families.',
      'vif-route: address, proxy ARP, IPv4 route. systemd-networkd: proxy ARP and NDP, routes of both families.',
      'CNI ptp: its own veth, addresses, routes and masquerade, IPv4. None of these three guards or accepts anything.',
    ],
  };
}
