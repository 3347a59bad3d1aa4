/** Connections of policed zones, ended by what their policies say, on the fake kernel. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import pino from 'pino';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Accesses } from '../../../src/lifecycle/accesses.ts';
import type { Desired, DesiredZone } from '../../../src/lifecycle/desired.ts';
import { Policing } from '../../../src/lifecycle/policing.ts';
import { leases as clock } from '../../../src/lifecycle/timing.ts';
import type { Address } from '../../../src/model/address.ts';
import type { DirectoryName } from '../../../src/model/directory-name.ts';
import { type LinkName, linkName } from '../../../src/model/link-name.ts';
import * as make from '../../../src/nft/commands.ts';
import { egressKeyType, egressSets, ownTable } from '../../../src/nft/names.ts';
import { parsePolicyFile } from '../../../src/policy/policy-file.ts';
import { FakeHost } from '../../fake/kernel.ts';

const link = linkName(7, 0) as LinkName;
const source = '10.75.0.3' as Address;
const allowed = { src: source, dst: '198.51.100.7', transport: 'tcp', port: 443 } as const;
const everybody = '[[policy]]\nzones = ["*"]\negress.allow = ["icmp"]\n';
const agents = '[[policy]]\nzones = ["agent-*"]\negress.allow = ["198.51.100.7:443"]\n';

/** A zone and its daemon; `called` says as whom the zone, or another one, is known from now on. */
async function open(text: string) {
  const host = new FakeHost();
  const { family, name: table } = ownTable;
  const sets = (['ipv4', 'ipv6'] as const).map((each) =>
    make.addSet(family, table, { name: egressSets[each].leased, type: egressKeyType(each), leased: { size: 100 } }),
  );
  await host.nft.transact([make.addTable(family, table), ...sets]);
  const accesses = new Accesses();
  accesses.enforce((await parsePolicyFile('/p/a.toml', text)).policies);
  const byLink = new Map<LinkName, DesiredZone>();
  const called = (name: string | undefined, [of, address]: readonly [LinkName, Address] = [link, source]) => {
    const directory = name === undefined ? undefined : ('static' as DirectoryName);
    const zone = { link: of, ifindex: 3, name, directory, addresses: [address], origin: 'test' };
    byLink.set(of, { ...zone, access: accesses.accessOf(zone) });
  };
  const policing = new Policing({
    host,
    desired: () => ({ byLink, subnets: {} }) as unknown as Desired,
    accesses,
    log: pino({ level: 'silent' }),
    failed: (error) => {
      throw error;
    },
  });
  onTestFinished(() => policing.stop());
  return { host, policing, called };
}

it('a zone that no directory has confirmed since the start keeps what its name may allow, and loses the rest when it has one', async () => {
  const { host, policing, called } = await open(`${everybody}${agents}`);
  host.addFlow(allowed);
  host.addFlow({ ...allowed, port: 80 });
  called(undefined);
  await policing.settled({ isRead: true, isRemade: false, mayEnd: false });
  expect(host.conntrack.flows()).toHaveLength(2);
  called('agent-1');
  await policing.settled({ isRead: false, isRemade: false, mayEnd: true });
  expect(host.conntrack.flows()).toMatchObject([allowed]);
});

it('many connections that are judged leave others their turns', async () => {
  const { host, policing, called } = await open(agents);
  for (let port = 1; port <= 3000; port += 1) host.addFlow({ ...allowed, port });
  called('agent-1');
  let isDone = false;
  const settled = policing.settled({ isRead: true, isRemade: false, mayEnd: true }).then(() => {
    isDone = true;
  });
  let turns = 0;
  for (; !isDone; turns += 1) await nextTurn();
  await settled;
  expect(turns).toBeGreaterThan(8);
  expect(host.conntrack.flows()).toMatchObject([allowed]);
});

it('a lease that is about to end lasts for the zone that has a connection by it, and for no other', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const { host, policing, called } = await open(
    '[[policy]]\nzones = ["agent-*"]\negress.allow = ["api.example.com:443"]\n',
  );
  const other = linkName(8, 0) as LinkName;
  called('agent-1');
  called('agent-2', [other, '10.75.0.4' as Address]);
  const set = { family: ownTable.family, table: ownTable.name, set: egressSets.ipv4.leased };
  const keys = [link, other].map((each) => `${each} 198.51.100.7 tcp 443`);
  await host.nft.lease(
    set,
    keys.map((key) => ({ key, seconds: clock.aheadSeconds - 10, comment: 'api.example.com' })),
  );
  await policing.settled({ isRead: true, isRemade: false, mayEnd: true });
  host.addFlow(allowed);
  await vi.advanceTimersByTimeAsync(clock.lookMs);
  const seconds = async () => {
    const held = await host.nft.leases(set, egressKeyType('ipv4'));
    return keys.map((key) => Math.round(held.find((lease) => lease.key === key)?.seconds ?? 0));
  };
  await vi.waitFor(async () => expect(await seconds()).toEqual([660, clock.aheadSeconds - 10]));
});
