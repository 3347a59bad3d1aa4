/** Watches a zone's birth from outside of everybody who takes part in it. */
import { readFileSync } from 'node:fs';
import { LongRunning } from '../../lab/command.ts';
import { waitFor } from '../../lab/wait-for.ts';
import { type Timeline, timelineWord } from '../timeline.ts';
import type { Lab } from './lab.ts';
import { mustRun } from './shell.ts';
import { check, note } from './tap.ts';
import { consoleLog, createZone, patience, type Zone, type ZoneOptions } from './zone.ts';

/** The zone has been answered on return. All times are dom0's clock, Unix milliseconds. */
export async function timedBirth({ daemon }: Lab, options: ZoneOptions): Promise<Zone> {
  const stored: { readonly path: string; readonly at: number }[] = [];
  const watches = [
    new LongRunning('ip', ['-ts', '-o', 'monitor', 'link']),
    new LongRunning('tcpdump', ['-l', '-n', '-tt', '-i', 'any', 'icmp']),
    new LongRunning('stdbuf', ['-oL', 'xenstore-watch', '/local/domain/0/backend/vif', '@introduceDomain'], (path) =>
      stored.push({ path, at: Date.now() }),
    ),
  ] as const;
  const [links, packets] = watches;
  try {
    await waitFor(() => packets.stderr.some((line) => line.includes('listening on')), { what: 'tcpdump', ...patience });
    await waitFor(() => stored.length >= 2, { what: 'xenstore-watch', ...patience });
    const create = Date.now();
    const following = followMarks(options.name);
    const zone = await createZone(options);
    const made = Date.now();
    const marks = await following;
    await daemon.ready(zone.link);
    const since = must((await daemon.zone(zone.link))?.since, zone.link);
    await check('every step from xl create to the first answered ping was seen', async () => {
      const at = (path: string) => must(stored.find((each) => each.at >= create && each.path === path)?.at, path);
      const link = (mark: RegExp) =>
        must(links.stdout.flatMap((line) => linkTime(line, zone.link, mark))[0], `${mark}`);
      const echo = (what: string) => must(packets.stdout.flatMap((line) => echoTime(line, zone.ipv4, what))[0], what);
      const marked = (name: string) => must(marks.get(name), name);
      const [introduced, node, born] = [
        at('@introduceDomain'),
        at(`/local/domain/0/backend/vif/${zone.domid}/0`),
        link(/./),
      ];
      const [carrier, asked, answered] = [link(/LOWER_UP/), echo('echo request'), echo('echo reply')];
      const spans = [
        { part: 'Xen and xl', what: 'the domain is built', from: create, to: introduced },
        { part: 'Xen and xl', what: 'its devices are entered in xenstore', from: introduced, to: node },
        { part: 'netback', what: 'makes the link', from: node, to: born },
        { part: 'protect-network', what: 'serves the link', from: born, to: since },
        { part: 'Xen and xl', what: 'hotplug script, console, start', from: born, to: made },
        { part: 'the zone', what: 'boots', from: made, to: marked('init') },
        { part: 'the zone', what: 'loads its driver', from: marked('init'), to: marked('driver') },
        { part: 'netback', what: 'connects with it', from: Math.min(marked('driver'), carrier), to: carrier },
        { part: 'the zone', what: 'sets its address and pings', from: marked('driver'), to: asked },
        { part: 'protect-network', what: 'the ping and its answer pass', from: asked, to: answered },
      ] as const;
      const shifted = spans.map((span) => ({
        ...span,
        from: span.from - create,
        to: Math.max(span.from, span.to) - create,
      }));
      const timeline: Timeline = { machine: machine(), spans: shifted };
      note(`${timelineWord}${JSON.stringify(timeline)}`);
    });
    return zone;
  } finally {
    for (const watch of watches) await watch.stop('SIGKILL');
  }
}

/** Links without zones, which the daemon serves as any: as on a host that has run for a while, its code has been run before. */
export async function warmUp({ daemon }: Lab): Promise<void> {
  for (let domid = 900; domid < 908; domid += 1) {
    const [link, node] = [`vif${domid}.0`, `/local/domain/0/backend/vif/${domid}`];
    await mustRun('xenstore-write', [`${node}/0/ip`, `10.75.9.${domid - 899}`]);
    await mustRun('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'name', `peer${domid}`]);
    await daemon.says(new RegExp(`${link} is ready: `));
    await mustRun('ip', ['link', 'del', link]);
    await mustRun('xenstore-rm', [node]);
    await daemon.says(new RegExp(`${link} is gone: `));
  }
}

/** When each of its console's marks was first seen, up to the answer of its ping. */
async function followMarks(name: string): Promise<Map<string, number>> {
  const seen = new Map<string, number>();
  const look = () => {
    for (const [, mark = ''] of consoleLog(name).matchAll(/^@@([a-z]+)$/gm))
      if (!seen.has(mark)) seen.set(mark, Date.now());
    return seen.has('answered');
  };
  await waitFor(look, { what: `${name}'s first answered ping`, ...patience });
  return seen;
}

/** `[2026-11-22T01:10:00.123456] 5: vif1.0: <…`, in UTC. */
function linkTime(line: string, link: string, mark: RegExp): number[] {
  const stamp = /^\[(\S+?)(\d{3})\] /.exec(line);
  const isMeant = line.includes(`: ${link}: `) && !line.includes('Deleted') && mark.test(line);
  return stamp !== null && isMeant ? [Date.parse(`${stamp[1]}Z`) + Number(stamp[2]) / 1000] : [];
}

/** `1795282729.825510 vif1.0 In  IP 10.75.0.3 > …: ICMP echo request, …`. */
function echoTime(line: string, address: string, what: string): number[] {
  const seconds = /^(\d+\.\d+) vif/.exec(line)?.[1];
  return seconds !== undefined && line.includes(`${address}`) && line.includes(what) ? [Number(seconds) * 1000] : [];
}

function must(at: number | undefined, what: string): number {
  if (at === undefined) throw new Error(`not seen: ${what}`);
  return at;
}

function machine(): string {
  const kernel = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
  const [major, minor] = ['major', 'minor'].map((part) =>
    readFileSync(`/sys/hypervisor/version/${part}`, 'utf8').trim(),
  );
  return `Xen ${major}.${minor}, Linux ${kernel}, everything emulated (TCG), so that each part is slowed alike`;
}
