/** Many links at once, and their end: the lag behind the last link's event, and what it costs in CPU time, helpers included. */
import { withWorld } from '../test/lab/world.ts';
import { builds, type Contestant, contestant, type Name } from './contestants.ts';
import { Announcements, cpuMsOf, declare, range } from './lab.ts';
import { type BenchOptions, figures, type Report, rounded } from './report.ts';

const quietMs = 3000;

interface Burst {
  readonly links: number;
  /** Milliseconds from the last link's event to the last thing done. */
  readonly lag: number;
  readonly cpuSeconds: number;
}

export async function benchBurst({ quick }: BenchOptions): Promise<Report> {
  const sizes = quick ? [100, 300] : [100, 1000];
  const rows = [];
  const cpu = new Map<string, number>();
  const lags = new Map<string, number>();
  for (const links of sizes) {
    for (const name of [...builds, 'C program', 'vif-route'] as const satisfies readonly Name[]) {
      const { lag, cpuSeconds } = await burst(name, links);
      rows.push({
        links,
        by: name,
        'lag, ms': rounded(lag),
        'CPU, s': rounded(cpuSeconds, 3),
        'CPU a link, ms': rounded((cpuSeconds * 1000) / links),
      });
      cpu.set(`${name} ${links}`, cpuSeconds);
      lags.set(`${name} ${links}`, lag);
    }
  }
  const most = sizes.at(-1) ?? 0;
  const against = (figure: ReadonlyMap<string, number>, name: Name) =>
    rounded((figure.get(`ours ${most}`) ?? Number.NaN) / (figure.get(`${name} ${most}`) ?? Number.NaN));
  return {
    title:
      'Many links at once: milliseconds from the last link’s event to everything in place; CPU seconds, helpers included',
    rows,
    targets: [
      { what: `CPU a link with ${most}, in multiples of the C program`, value: against(cpu, 'C program'), limit: 1 },
      { what: `lag with ${most} links, in multiples of the C program`, value: against(lags, 'C program'), limit: 1.1 },
      {
        what: 'CPU of vif-route, in multiples of ours',
        value: rounded(1 / against(cpu, 'vif-route')),
        limit: 30,
        atLeast: true,
      },
    ],
    notes: ['The links are made as fast as the kernel makes them; work goes on meanwhile.'],
  };
}

async function burst(name: Name, links: number): Promise<Burst> {
  const domids = range(2000, links);
  const each = await contestant(name, domids);
  const announcements = await Announcements.start(each.world);
  try {
    const before = cpuOf(each);
    const { births, lastLink, lastWork } = await announcements.after(
      () => each.world.addManyLinks(links, 2000),
      quietMs,
    );
    if (births < links) throw new Error(`${births} of ${links} links were seen`);
    return { links, lag: Math.max(0, (lastWork ?? Number.NaN) - lastLink), cpuSeconds: (cpuOf(each) - before) / 1000 };
  } finally {
    await announcements.stop();
    each.destroy();
  }
}

function cpuOf({ pid }: Contestant): number {
  return pid === undefined ? Number.NaN : cpuMsOf(pid);
}

/** The end of one zone and of many, by the daemon. */
export async function benchRemoval({ quick }: BenchOptions): Promise<Report> {
  const [rounds, most] = quick ? [10, 300] : [50, 1000];
  const [single, many] = await withWorld({}, async (world) => {
    const domids = range(2000, rounds + most);
    await declare(world, domids);
    await world.startDaemon({ debug: false, deadlineMs: 120_000 });
    const announcements = await Announcements.start(world);
    const open: number[] = [];
    const close: number[] = [];
    for (const domid of range(2000, rounds)) {
      open.push((await announcements.after(() => world.addManyLinks(1, domid), 200)).lastWork ?? Number.NaN);
      close.push(
        (await announcements.after(() => world.host.ip(`link del vif${domid}.0`), 200)).lastWork ?? Number.NaN,
      );
    }
    let links: Awaited<ReturnType<typeof world.addManyLinks>> | undefined;
    await announcements.after(async () => (links = await world.addManyLinks(most, 2000 + rounds)), quietMs);
    const end = await announcements.after(async () => links?.remove(), quietMs);
    await announcements.stop();
    return [{ open: figures(open), close: figures(close) }, Math.max(0, (end.lastWork ?? Number.NaN) - end.lastLink)];
  });
  return {
    title: 'The end of zones: milliseconds from the kernel’s event to nothing of theirs left',
    rows: [
      { what: 'one link opens', ...single.open },
      { what: 'one link ends', ...single.close },
      {
        what: `${most} links end at once, from the last one’s event`,
        rounds: 1,
        median: rounded(many),
        p99: null,
        least: null,
      },
    ],
    targets: [
      {
        what: 'the end of a zone, ms',
        value: single.close.median,
        limit: 1,
      },
    ],
    notes: ['Routes and proxies go with the link; what is left to take away is in nftables.'],
  };
}
