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

/**
 * Every step that leaves something else on the host than the one before: what comes ahead of a change leaves what the
 * change before it left, and calls that only look leave all as it is; of those, one in twenty. Of the sysctls of a link,
 * of which there are many alike, the first and the last.
 */
export function telling(steps: readonly string[]): number[] {
  const writes = steps.filter((name) => name.startsWith('after write '));
  const ends = new Set([writes[0], writes.at(-1)]);
  return all(steps).filter((step) => {
    const name = steps[step - 1] ?? '';
    if (name.startsWith('after write ')) return ends.has(name);
    return /^(during|after) /.test(name) || step % 20 === 1;
  });
}

/** In the middle of each kind of change, once. */
export function middles(steps: readonly string[]): number[] {
  const kinds = new Map<string, number>();
  for (const step of all(steps)) {
    const [moment, first, second] = (steps[step - 1] ?? '').split(' ');
    if (moment === 'during' && !kinds.has(`${first} ${second}`)) kinds.set(`${first} ${second}`, step);
  }
  return [...kinds.values()];
}

/** At the first change and in the middle of the last: for helpers that are not asked, but listened to. */
export function ends(steps: readonly string[]): number[] {
  const changes = all(steps).filter((step) => steps[step - 1]?.startsWith('during '));
  return [...new Set([changes[0], changes.at(-1)])].flatMap((step) => step ?? []);
}
