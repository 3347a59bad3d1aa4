import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { AskedDirectory, DirectoryState } from '../../../src/directories/zone-directory.ts';
import type { ZoneEntry } from '../../../src/directories/zone-entry.ts';
import { computeDesired, type Desired, type DesiredZone } from '../../../src/lifecycle/desired.ts';
import { type DesiredFacts, DesiredTracker } from '../../../src/lifecycle/desired-tracker.ts';
import { Mirror } from '../../../src/lifecycle/mirror.ts';
import type { Address } from '../../../src/model/address.ts';
import { address, link } from '../nft/support.ts';
import { configOf } from './support.ts';

const names = ['vif1.0', 'vif2.0', 'vif3.0', 'vif4.0', 'vif5.0'];
const addresses = [
  '10.75.0.3',
  '10.75.0.4',
  '10.75.0.5',
  '10.75.0.6',
  'fdd4:1476:6c7e::3',
  'fdd4:1476:6c7e::4',
  '10.75.0.1',
];

interface Scene {
  readonly mirror: Mirror;
  readonly directories: Map<'static' | 'xenstore', { state: DirectoryState; entries: readonly ZoneEntry[] }>;
  readonly served: Map<number, DesiredZone>;
  asked: readonly AskedDirectory[];
  isIpv6On: boolean;
}

type Step = (scene: Scene, tracker: DesiredTracker) => void;

it('says after each change what would be said of everything anew', () => {
  let changes = 0;
  fc.assert(
    fc.property(fc.array(anyStep(), { maxLength: 40, size: 'max' }), (steps) => {
      const scene: Scene = {
        mirror: new Mirror(),
        directories: new Map(),
        served: new Map(),
        asked: [],
        isIpv6On: true,
      };
      const tracker = new DesiredTracker();
      for (const { run } of steps) {
        run(scene, tracker);
        const facts = factsOf(scene);
        const before = snapshotOf(tracker.desired);
        tracker.settled();
        const desired = tracker.update(facts);
        const anew = computeDesired({ ...facts, links: scene.mirror.links.values(), holders: scene.mirror.holders() });
        expect(snapshotOf(desired)).toEqual(snapshotOf(anew));
        if (tracker.changed !== 'all') {
          changes += 1;
          expect([...tracker.changed].sort()).toEqual(expect.arrayContaining(differing(before, snapshotOf(desired))));
        }
      }
    }),
    { numRuns: 500 },
  );
  expect(changes, 'changes that were not judged with everything').toBeGreaterThan(2000);
});

it('looks at the links that changed and at those who contest an address, and at no others', () => {
  const scene: Scene = { mirror: new Mirror(), directories: new Map(), served: new Map(), asked: [], isIpv6On: true };
  const tracker = new DesiredTracker();
  for (const [index, name] of names.entries()) bear(scene, 10 + index, name);
  tell(
    scene,
    'static',
    names.map((name, index) => entryOf(name, [`10.75.0.${index + 3}`])),
  );
  tracker.update(factsOf(scene));
  expect(tracker.changed).toBe('all');
  tracker.settled();
  tell(
    scene,
    'static',
    names.map((name, index) => entryOf(name, [index === 1 ? '10.75.0.99' : `10.75.0.${index + 3}`])),
  );
  tracker.update(factsOf(scene));
  expect(tracker.changed).toEqual(new Set([11]));
});

function anyStep(): fc.Arbitrary<{ run: Step; toString(): string }> {
  const [anyName, anyIndex] = [fc.constantFrom(...names), fc.integer({ min: 1, max: 7 })];
  const anyDirectory = fc.constantFrom('static' as const, 'xenstore' as const);
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc
        .tuple(anyIndex, anyName)
        .map(([ifindex, name]) => step(`${ifindex} is ${name}`, (scene) => bear(scene, ifindex, name))),
    },
    { weight: 2, arbitrary: anyIndex.map((ifindex) => step(`${ifindex} ends`, (scene) => end(scene, ifindex))) },
    {
      weight: 6,
      arbitrary: fc
        .tuple(
          anyDirectory,
          fc.array(fc.tuple(anyName, fc.array(fc.constantFrom(...addresses), { maxLength: 2 })), { maxLength: 5 }),
        )
        .map(([name, rows]) =>
          step(`${name}: ${JSON.stringify(rows)}`, (scene) =>
            tell(
              scene,
              name,
              rows.map(([each, some]) => entryOf(each, some)),
            ),
          ),
        ),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(anyDirectory, fc.constantFrom('waiting' as const, 'answered' as const, 'answered' as const))
        .map(([name, state]) => step(`${name} ${state}`, (scene) => turn(scene, name, state))),
    },
    { weight: 3, arbitrary: fc.constant(step('served', (scene, tracker) => serve(scene, tracker))) },
    { weight: 1, arbitrary: fc.boolean().map((isOn) => step(`IPv6 ${isOn}`, (scene) => (scene.isIpv6On = isOn))) },
  );
}

function step(words: string, run: Step): { run: Step; toString(): string } {
  return { run, toString: () => words };
}

function bear({ mirror }: Scene, ifindex: number, name: string): void {
  mirror.learn({ kind: 'link', link: { ifindex, name, up: true }, deleted: false });
}

function end({ mirror, served }: Scene, ifindex: number): void {
  const known = mirror.links.get(ifindex);
  if (known === undefined) return;
  mirror.learn({ kind: 'link', link: known, deleted: true });
  served.delete(ifindex);
}

function tell(scene: Scene, name: 'static' | 'xenstore', entries: readonly ZoneEntry[]): void {
  scene.directories.set(name, { state: 'answered', entries });
  ask(scene);
}

function turn(scene: Scene, name: 'static' | 'xenstore', state: DirectoryState): void {
  const entries = state === 'waiting' ? [] : (scene.directories.get(name)?.entries ?? []);
  scene.directories.set(name, { state, entries });
  ask(scene);
}

/** What is desired is put in place. */
function serve({ mirror, served }: Scene, { desired }: DesiredTracker): void {
  for (const ifindex of mirror.links.keys()) {
    const zone = desired?.zones.get(ifindex);
    const wanted = new Set<Address>(zone?.addresses);
    for (const each of mirror.routesOf(ifindex).difference(wanted))
      mirror.expect({ kind: 'route-del', ifindex, address: each });
    for (const each of wanted) mirror.expect({ kind: 'route-add', ifindex, address: each });
    if (zone === undefined) served.delete(ifindex);
    else served.set(ifindex, zone);
  }
}

function ask(scene: Scene): void {
  const known = new Map(scene.asked.map((directory) => [directory.name, directory]));
  scene.asked = (['xenstore', 'static'] as const).map((name) => {
    const { state = 'answered', entries = [] } = scene.directories.get(name) ?? {};
    const before = known.get(name);
    if (before?.snapshot.state === state && before.snapshot.entries === entries) return before;
    return { name, snapshot: { state, entries, problems: [], detail: '', since: 0 } };
  });
}

function factsOf(scene: Scene): DesiredFacts {
  if (scene.asked.length === 0) ask(scene);
  const { mirror, asked, served, isIpv6On } = scene;
  return {
    config,
    hasIpv6: isIpv6On,
    mirror,
    directories: asked,
    served: new Map(served),
    policies: [],
    share: undefined,
  };
}

const config = configOf();

function entryOf(name: string, some: readonly string[]): ZoneEntry {
  return { link: link(name), addresses: some.map(address), name: undefined, origin: `files/${name}` };
}

/** Everything that matters, in an order of its own. */
function snapshotOf(desired: Desired | undefined) {
  return {
    zones: new Map([...(desired?.zones ?? [])].sort(([one], [other]) => one - other)),
    byLink: new Map([...(desired?.byLink ?? [])].sort(([one], [other]) => one.localeCompare(other))),
    addresses: new Set([...(desired?.addresses ?? [])].sort()),
    unserved: new Map([...(desired?.unserved ?? [])].sort(([one], [other]) => one - other)),
    siblings: desired?.siblings,
    siblingLinks: new Set([...(desired?.siblingLinks ?? [])].sort()),
    problems: new Map([...(desired?.problems ?? [])].sort(([one], [other]) => one.localeCompare(other))),
  };
}

function differing(before: ReturnType<typeof snapshotOf>, now: ReturnType<typeof snapshotOf>): number[] {
  const indices = new Set([
    ...before.zones.keys(),
    ...before.unserved.keys(),
    ...now.zones.keys(),
    ...now.unserved.keys(),
  ]);
  const of = (all: ReturnType<typeof snapshotOf>, ifindex: number) =>
    JSON.stringify([all.zones.get(ifindex), all.unserved.get(ifindex)]);
  return [...indices].filter((ifindex) => of(before, ifindex) !== of(now, ifindex));
}
