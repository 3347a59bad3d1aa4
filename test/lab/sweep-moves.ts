/** The moves of the crash sweeps. Each cycle ends in the state in which it began: all zones served but the guest, which has no link. */
import type { Move } from './sweep.ts';

const open: Move = { name: 'a link is born', swept: true, act: ({ guest }) => guest.relink() };
const strict = {
  isolation: { 'zone-to-zone': 'deny', metadata: 'deny', host: 'deny' },
  forward: { placement: 'first' },
};

export const openAndClose: readonly Move[] = [
  open,
  {
    name: 'its directory forgets it',
    swept: true,
    act: ({ world, guest }) => world.removeZoneFile(guest.link),
  },
  {
    name: 'it goes, and is known again',
    swept: false,
    act: async ({ world, guest }) => {
      await guest.unlink();
      await world.declareZone(guest);
    },
  },
];

export const openAndDie: readonly Move[] = [
  { ...open, name: 'a link is born again', swept: false },
  { name: 'a link dies', swept: true, act: ({ guest }) => guest.unlink() },
];

export const reload: readonly Move[] = [
  { name: 'settings turn strict', swept: true, act: ({ world }) => world.files.writeSettings(strict) },
  { name: 'settings turn back', swept: true, act: ({ world }) => world.files.writeSettings({}) },
];

/** Without the forgers of IPv6: with the guard gone there is no second layer for it. */
export const damage: readonly Move[] = [
  { ...open, name: 'a link is born before the damage', swept: false },
  {
    name: 'the ruleset is flushed, a route deleted, a sysctl turned',
    swept: true,
    act: async (scene) => {
      const { world, guest } = scene;
      await world.host.setSysctls({ [`net/ipv4/conf/${guest.link}/proxy_arp`]: 0 });
      await world.host.ip(`route del ${guest.ipv4}/32 dev ${guest.link}`);
      await scene.flushRuleset();
    },
  },
  { name: 'the link dies after the damage', swept: false, act: ({ guest }) => guest.unlink() },
];

/** Every step. */
export function all(steps: readonly string[]): number[] {
  return steps.map((_, index) => index + 1);
}

/** Of each kind of change in turns in the middle of the first and behind the last, and two of those that only look. */
export function kinds(steps: readonly string[]): number[] {
  const firsts = new Map<string, number>();
  const lasts = new Map<string, number>();
  const looks: number[] = [];
  for (const step of all(steps)) {
    const [moment = '', first, second = ''] = (steps[step - 1] ?? '').split(' ');
    const kind = `${first} ${second.replace(/[\d/].*/, '')}`;
    if (moment === 'during' && !firsts.has(kind)) firsts.set(kind, step);
    else if (moment === 'after') lasts.set(kind, step);
    else if (moment !== 'before') looks.push(step);
  }
  // A sysctl is written at once: there is no middle of it.
  const changes = [...lasts].map(([kind, last], index) => (index % 2 === 0 ? (firsts.get(kind) ?? last) : last));
  const some = [looks[1], looks.at(-2)].flatMap((step) => step ?? []);
  return [...new Set([...changes, ...some])].sort((a, b) => a - b);
}
