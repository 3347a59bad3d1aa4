/** The whole catalogue of attacks: nothing gets through, and each layer holds alone. */
import { beforeAll, describe, expect, it } from 'vitest';
import { ownTable, reversePathTable } from '../../src/nft/names.ts';
import { type Arena, type Outcome, openArena } from '../attacks/arena.ts';
import type { Attack } from '../attacks/attack.ts';
import { catalogue } from '../attacks/catalogue.ts';
import { untilNothingToDo } from '../lab/served.ts';

const isOf = (group: string) => (attack: Attack) => attack.group === group;
const packetGroups = [...new Set(catalogue.filter((attack) => attack.tunnelDevice !== true).map(({ group }) => group))];
const bridged = catalogue.filter((attack) => attack.bridged === true);

describe('as the zone-networking document has it', () => {
  let arena: Arena;
  beforeAll(async () => {
    arena = await openArena('documented');
    return () => arena.destroy();
  });

  // The control: what the others show as nothing would be seen.
  it('forged sources get out, of either family', async () => {
    const { passages, tracked } = await arena.attempt(catalogue.filter(isOf('forged source')), 2);
    const outcome = new Map(
      passages.map((one) => [`${one.attack.family} ${one.attack.name}`, one.through === one.sent]),
    );
    for (const whose of ['nobody’s, of the subnet', 'a sibling’s', 'the gateway’s', 'anybody’s outside']) {
      for (const family of ['ipv4', 'ipv6']) expect(outcome.get(`${family} ${whose}`), `${family} ${whose}`).toBe(true);
    }
    expect(tracked.length).toBeGreaterThan(0);
  });

  it('a forged fragment is put together with a sibling’s, and priority-tagged packets get out', async () => {
    const attacks = catalogue.filter(({ name }) => /a forged tail|802.1Q, priority tag/.test(name));
    const { passages } = await arena.attempt(attacks, 2);
    expect(passages.map(({ sent, through }) => sent - through)).toEqual([0, 0, 0, 0, 0]);
  });

  it('what is no connection leaves under a zone’s inner address', async () => {
    const { passages } = await arena.attempt(catalogue.filter(isOf('not translated')), 2);
    expect(passages.map(({ sent, through }) => sent - through)).toEqual([0, 0]);
  });

  it('packets get out whose source changes behind defragmentation', async () => {
    const { passages } = await arena.attempt(catalogue.filter(isOf('source changed in dom0')), 2);
    expect(passages.map(({ sent, through }) => sent - through)).toEqual([0, 0]);
  });

  it('without a policy a zone reaches whatever it likes', async () => {
    const { passages } = await arena.attempt(catalogue.filter(isOf('denied by a policy')), 2);
    const held = passages.filter(({ sent, through }) => through < sent).map(({ attack }) => attack.name);
    expect(held).toEqual([]);
  });

  it('a zone in a bridge sends its neighbours there whatever it likes', async () => {
    const { passages } = await arena.attempt(bridged, 2);
    const held = passages.filter(({ sent, through }) => through < sent).map(({ attack }) => attack.name);
    expect(held).toEqual([]);
  });

  it('one error message of a zone sets dom0’s path MTU, one question makes a neighbour', async () => {
    const attacks = catalogue.filter(({ name }) =>
      /^(packet too big, of dom0’s path to the outside|gratuitous ARP request, as dom0’s next hop)$/.test(name),
    );
    const { changes } = await arena.attempt(attacks, 1);
    expect(changes).toContainEqual(expect.stringMatching(/mtu 1280/));
    expect(changes).toContainEqual(expect.stringMatching(/192\.0\.2\.2 dev vif7\.0 lladdr/));
  });

  it('one router advertisement of a zone gives dom0 a default route through it', async () => {
    const { changes } = await arena.attempt(
      catalogue.filter(({ name }) => name === 'router advertisement'),
      1,
    );
    expect(changes).toContainEqual(expect.stringMatching(/^\+ default via fe80:\S+ dev vif7\.0/));
  });
});

describe('with ours', () => {
  let arena: Arena;
  beforeAll(async () => {
    arena = await openArena('ours');
    return () => arena.destroy();
  });

  it.each(packetGroups)('nothing gets through and dom0 stays as it is: %s', async (group) => {
    const attacks = catalogue.filter((attack) => attack.group === group && attack.tunnelDevice !== true);
    expectNothing(await arena.attempt(attacks, 5));
  });

  it.each(catalogue.filter(({ tunnelDevice }) => tunnelDevice).map((attack) => [attack.family, attack] as const))(
    'nothing gets in by a tunnel device of dom0’s that takes packets from anybody (%s)',
    async (_family, attack) => expectNothing(await arena.attempt([attack], 5)),
  );
});

describe.each(['ipv4', 'ipv6'] as const)('each layer holds alone against forged sources (%s)', (family) => {
  const attacks = catalogue.filter(
    (attack) =>
      attack.family === family && /forged source|zone address|fragments|options|extension|tags/.test(attack.group),
  );
  // By itself: it changes what all others send, too.
  const changed = catalogue.filter((attack) => attack.family === family && isOf('source changed in dom0')(attack));
  let arena: Arena;
  beforeAll(async () => {
    arena = await openArena('ours');
    // No repair: what is taken away stays away.
    if (arena.parts.daemon !== undefined) process.kill(arena.parts.daemon.pid, 'SIGSTOP');
    return () => arena.destroy();
  });

  it('the guard, without the reverse path', async () => {
    await reversePath(0);
    if (family === 'ipv6') await deleteTable(reversePathTable);
    expectNothing(await arena.attempt(attacks, 5));
    expectNothing(await arena.attempt(changed, 5));
  });

  it('the reverse path, without our main table', withoutMainTable);

  it('neither: they get out', async () => {
    await reversePath(0);
    await arena.parts.world.host.nft('flush ruleset');
    const { passages } = await arena.attempt(attacks, 2);
    expect(passages.filter(({ through }) => through > 0).length).toBeGreaterThan(10);
    const [{ through = 0 } = {}] = (await arena.attempt(changed, 2)).passages;
    expect(through).toBeGreaterThan(0);
  });

  /** What is left is no address of anybody's: link-local and unspecified sources, which dom0 does not forward. */
  async function withoutMainTable(): Promise<void> {
    await reversePath(1);
    await restoreReversePathTable();
    await deleteTable(ownTable);
    // Somebody's rules still have connections tracked, and so fragments put together.
    await arena.parts.world.host.nft(
      'add table inet lab; add chain inet lab in { type filter hook prerouting priority 0; }; add rule inet lab in ct state new counter',
    );
    const { passages, changes } = await arena.attempt(attacks, 5);
    expect(changes).toEqual([]);
    expectNothing(await arena.attempt(changed, 5));
    const through = passages.filter((passage) => passage.through > 0).map(({ attack }) => attack.name);
    expect(through).toEqual(
      family === 'ipv4'
        ? ['a zone’s, by the uplink', 'a forged tail for a sibling’s head', 'a forged head for a sibling’s tail']
        : ['unspecified', 'its own link-local', 'a sibling’s link-local', 'a zone’s, by the uplink'],
    );
  }

  async function restoreReversePathTable(): Promise<void> {
    const { daemon, world } = arena.parts;
    if (daemon === undefined) throw new Error('ours has a daemon');
    process.kill(daemon.pid, 'SIGCONT');
    await untilNothingToDo(world);
    process.kill(daemon.pid, 'SIGSTOP');
  }

  function deleteTable({ family: tableFamily, name }: { family: string; name: string }): Promise<void> {
    return arena.parts.world.host.nft(`delete table ${tableFamily} ${name}`);
  }

  function reversePath(value: 0 | 1): Promise<void> {
    const links = ['vif7.0', 'vif8.0'].map((link) => [`net/ipv4/conf/${link}/rp_filter`, value]);
    return arena.parts.world.host.setSysctls(Object.fromEntries(links));
  }
});

function expectNothing({ passages, changes, tracked }: Outcome): void {
  expect(passages.length).toBeGreaterThan(0);
  const through = passages.filter((passage) => passage.through > 0);
  expect(
    through.map(({ attack, sent, through: seen }) => `${attack.family} ${attack.name}: ${seen} of ${sent}`),
  ).toEqual([]);
  expect(changes).toEqual([]);
  expect(tracked).toEqual([]);
}
