import { describe, expect, it } from 'vitest';
import type { NftCommand, NftJson } from '../../../src/host/nft-command.ts';
import type { HostEvent } from '../../../src/host/port.ts';
import type { Ipv4Address, Ipv6Address } from '../../../src/model/address.ts';
import { ProtectNetworkError } from '../../../src/model/errors.ts';
import { FakeHost } from '../../fake/kernel.ts';

const zone4 = '10.75.0.3' as Ipv4Address;
const zone6 = 'fdd4:1476:6c7e::3' as Ipv6Address;
const gateway6 = 'fdd4:1476:6c7e::1' as Ipv6Address;
const at = { family: 'inet', table: 'edera' } as const;

describe('render', () => {
  it('shows the whole state, sorted, without handles and counts', async () => {
    const host = await zoneHost();
    expect(host.render()).toBe(
      `
link 1 lo up
link 2 vif7.0 up
route 10.75.0.3 dev vif7.0 proto 75
route default dev vif7.0 proto static
route local 10.75.0.1 dev lo table local proto 75
proxy fdd4:1476:6c7e::1 dev vif7.0 proto 75
sysctl net/ipv4/conf/all/accept_redirects = 0
sysctl net/ipv4/conf/all/forwarding = 1
sysctl net/ipv4/conf/vif7.0/proxy_arp = 1
sysctl net/ipv6/neigh/vif7.0/proxy_delay = 0
flow 10.75.0.3 > 192.0.2.1 reply 192.0.2.1 > 203.0.113.1
table inet edera
  set zones ifname . ipv4_addr counter
    vif7.0 . 10.75.0.3
  chain guard filter hook prerouting priority -300 policy accept
    iifname "vif*" iifname . ip saddr != @zones counter drop comment "spoofed"
`.trimStart(),
    );
  });

  it('is the same again after the same thing was undone', async () => {
    const host = await zoneHost();
    const before = host.render();
    await host.rtnetlink.apply([{ kind: 'route-add', ifindex: 2, address: zone6 }]);
    expect(host.render()).not.toBe(before);
    await host.rtnetlink.apply([{ kind: 'route-del', ifindex: 2, address: zone6 }]);
    expect(host.render()).toBe(before);
  });

  it('does not change with counters', async () => {
    const host = await zoneHost();
    const before = host.render();
    host.hitElement('inet', 'edera', 'zones', { concat: ['vif7.0', zone4] }, 3, 180);
    expect(host.render()).toBe(before);
    const counter = { packets: 3, bytes: 180 };
    const listed = await host.nft.table('inet', 'edera');
    expect(listed).toContainEqual({
      set: expect.objectContaining({ elem: [{ elem: expect.objectContaining({ counter }) }] }),
    });
  });
});

describe('faults', () => {
  const refusal = new ProtectNetworkError('refused', 'ordered');

  it('fails the next calls as often as ordered, and changes nothing', async () => {
    const host = await zoneHost();
    const before = host.render();
    host.failNext('nft.transact', refusal, 2);
    const remove: NftCommand[] = [{ kind: 'delete-table', family: 'inet', table: 'edera' }];
    await expect(host.nft.transact(remove)).rejects.toBe(refusal);
    await expect(host.nft.transact(remove)).rejects.toBe(refusal);
    expect(host.render()).toBe(before);
    await host.nft.transact(remove);
    expect(await host.nft.tables()).toEqual([]);
  });

  it('fails one change of a batch and applies the others', async () => {
    const host = new FakeHost();
    const ifindex = upLink(host, 'vif7.0');
    host.failNext('rtnetlink.apply proxy-add', refusal);
    const results = await host.rtnetlink.apply([
      { kind: 'proxy-add', ifindex, address: gateway6 },
      { kind: 'route-add', ifindex, address: zone4 },
    ]);
    expect(results).toEqual([{ ok: false, error: refusal }, { ok: true }]);
    expect(host.render()).toBe('link 1 lo up\nlink 2 vif7.0 up\nroute 10.75.0.3 dev vif7.0 proto 75\n');
  });

  it('fails sysctls, which are synchronous, and names failures that nobody met', () => {
    const host = new FakeHost();
    host.addLink('vif7.0');
    const path = { family: 'ipv4', group: 'conf', link: 'vif7.0', key: 'proxy_arp' } as const;
    host.failNext('sysctl.write', refusal);
    host.failNext('conntrack.purge', refusal);
    expect(() => host.sysctl.write(path, '1')).toThrow(refusal);
    expect(host.sysctl.read(path)).toBe('0');
    expect(host.unmetFailures()).toEqual(['conntrack.purge']);
  });

  it('holds a call back, so that a link can vanish in the middle of a batch', async () => {
    const host = new FakeHost();
    const ifindex = upLink(host, 'vif7.0');
    const gate = Promise.withResolvers<void>();
    host.delayNext('rtnetlink.apply route-add', gate.promise);
    const pending = host.rtnetlink.apply([
      { kind: 'proxy-add', ifindex, address: gateway6 },
      { kind: 'route-add', ifindex, address: zone4 },
    ]);
    await settled();
    host.deleteLink('vif7.0');
    gate.resolve();
    expect((await pending).map((result) => (result.ok ? 'ok' : result.error.code))).toEqual(['ok', 'vanished']);
    expect(host.render()).toBe('link 1 lo up\n');
  });
});

describe('events', () => {
  it('come after the call that caused them, in order, as the kernel tells them', async () => {
    const host = new FakeHost();
    const seen = await follow(host);
    const ifindex = upLink(host, 'vif7.0');
    await host.rtnetlink.apply([
      { kind: 'route-add', ifindex, address: zone4 },
      { kind: 'route-add', ifindex, address: zone6 },
    ]);
    seen.length = 0;
    host.deleteLink('vif7.0');
    expect(seen).toEqual([]);
    await settled();
    const link = { ifindex, name: 'vif7.0', up: false };
    const route = {
      kind: 'route',
      family: 'ipv6',
      destination: zone6,
      device: 'vif7.0',
      protocol: '75',
      deleted: true,
    };
    expect(seen).toMatchObject([route, { kind: 'link', link, deleted: false }, { kind: 'link', link, deleted: true }]);
  });

  it('tell of a foreign nft transaction with its author, and of none that failed', async () => {
    const host = await zoneHost();
    const seen = await follow(host);
    const culprit = { pid: 4711, process: 'nft' };
    expect(() => host.foreignNft([{ delete: { table: { family: 'ip', name: 'filter' } } }], culprit)).toThrow(
      'No such',
    );
    host.foreignNft([{ flush: { ruleset: {} } }], culprit);
    await settled();
    expect(seen).toEqual([{ kind: 'nft', tables: new Set(['inet edera']), culprit }]);
    expect(await host.nft.table('inet', 'edera')).toBeUndefined();
  });

  it('get lost when told to', async () => {
    const host = new FakeHost();
    const seen = await follow(host);
    host.silenceEvents();
    host.addLink('vif7.0');
    host.loseEvents('No buffer space available');
    await settled();
    expect(seen).toEqual([{ kind: 'lost', reason: 'No buffer space available' }]);
  });
});

describe('nft', () => {
  const refusals: readonly (readonly [string, NftJson])[] = [
    ['a key nobody knows', { add: { chain: { ...at, name: 'x', colour: 'red' } } }],
    ['a rule without statements', { add: { rule: { ...at, chain: 'guard', expr: [] } } }],
    ['a rule with iptables’ own statements', { add: { rule: { ...at, chain: 'guard', expr: [{ xt: null }] } } }],
    [
      'add with a handle, which nft ignores',
      { add: { rule: { ...at, chain: 'guard', handle: 3, expr: [{ drop: null }] } } },
    ],
    ['masquerade outside postrouting', { add: { rule: { ...at, chain: 'guard', expr: [{ masquerade: null }] } } }],
    [
      'nat before connection tracking',
      { add: { chain: { ...at, name: 'n', type: 'nat', hook: 'output', prio: -300 } } },
    ],
    ['two commands in one object', { add: { table: { family: 'ip', name: 'x' } }, delete: {} }],
    ['flushing everybody’s rules', { flush: { ruleset: {} } }],
    ['an unknown expression', { add: { rule: { ...at, chain: 'guard', expr: [{ match: match({ moon: 1 }) }] } } }],
  ];
  it.each(refusals)('refuses %s', async (_name, command) => {
    const host = await zoneHost();
    expect(() => host.nft.own([command])).toThrow(expect.objectContaining({ code: 'refused' }));
  });

  it('keeps whatever was preloaded, and puts ours beside it', async () => {
    const host = new FakeHost();
    const filter = { family: 'ip', table: 'filter' };
    const xt = { xt: { type: 'match', name: 'comment' } };
    const listing = [
      { metainfo: { version: '1.0.6' } },
      { table: { family: 'ip', name: 'filter', handle: 4 } },
      { chain: { ...filter, name: 'FORWARD', handle: 3, type: 'filter', hook: 'forward', prio: 0, policy: 'drop' } },
      { rule: { ...filter, chain: 'FORWARD', handle: 9, expr: [xt, { drop: null }] } },
    ];
    host.loadRuleset({ nftables: listing });
    host.nft.own([{ insert: { rule: { ...filter, chain: 'FORWARD', handle: 9, expr: [{ accept: null }] } } }]);
    expect(await host.nft.table('ip', 'filter')).toEqual([
      ...listing.slice(1, 3),
      { rule: { ...filter, chain: 'FORWARD', handle: 10, expr: [{ accept: null }] } },
      ...listing.slice(3),
    ]);
  });

  it('hands out copies', async () => {
    const host = await zoneHost();
    const before = host.render();
    const rule = (await host.nft.table('inet', 'edera'))?.at(-1)?.['rule'] as { expr: unknown[] };
    const set = (await host.nft.table('inet', 'edera'))?.find((object) => 'set' in object)?.['set'] as {
      type: string[];
    };
    rule.expr.length = 0;
    set.type.length = 0;
    expect(host.render()).toBe(before);
  });
});

describe('sysctl', () => {
  it('has no IPv6 where the kernel has none', async () => {
    const host = new FakeHost({ ipv6: false });
    const ifindex = upLink(host, 'vif7.0');
    expect(host.sysctl.read({ family: 'ipv6', group: 'conf', link: 'vif7.0', key: 'accept_ra' })).toBeUndefined();
    const [result] = await host.rtnetlink.apply([{ kind: 'route-add', ifindex, address: zone6 }]);
    expect(result).toMatchObject({ ok: false, error: { code: 'refused' } });
  });

  it('takes a link’s IPv6 routes when IPv6 is disabled on it, and takes no new ones', async () => {
    const host = new FakeHost();
    const ifindex = upLink(host, 'vif7.0');
    const changes = [zone4, zone6].map((address) => ({ kind: 'route-add', ifindex, address }) as const);
    await host.rtnetlink.apply(changes);
    host.sysctl.write({ family: 'ipv6', group: 'conf', link: 'vif7.0', key: 'disable_ipv6' }, '1');
    const results = await host.rtnetlink.apply(changes);
    expect(results.map((result) => result.ok)).toEqual([true, false]);
    expect(await host.rtnetlink.routes('ipv6')).toEqual([]);
  });
});

/** A host with one zone on it and a bit of everything. */
async function zoneHost(): Promise<FakeHost> {
  const host = new FakeHost();
  const ifindex = upLink(host, 'vif7.0');
  host.sysctl.write({ family: 'ipv4', group: 'top', link: '', key: 'ip_forward' }, '1');
  host.sysctl.write({ family: 'ipv4', group: 'conf', link: 'vif7.0', key: 'proxy_arp' }, '1');
  host.sysctl.write({ family: 'ipv6', group: 'neigh', link: 'vif7.0', key: 'proxy_delay' }, '0');
  await host.rtnetlink.apply([
    { kind: 'route-add', ifindex, address: zone4 },
    { kind: 'local-add', address: '10.75.0.1' as Ipv4Address },
    { kind: 'proxy-add', ifindex, address: gateway6 },
  ]);
  host.foreignRoute({ family: 'ipv4', destination: 'default', device: 'vif7.0' });
  host.addFlow({ src: zone4, dst: '192.0.2.1', replyDst: '203.0.113.1' });
  const source = { concat: [{ meta: { key: 'iifname' } }, { payload: { protocol: 'ip', field: 'saddr' } }] };
  const expr = [{ match: match({ meta: { key: 'iifname' } }, 'vif*') }, { match: match(source, '@zones', '!=') }];
  const rule = { ...at, chain: 'guard', comment: 'spoofed', expr: [...expr, { counter: null }, { drop: null }] };
  host.nft.own([
    { add: { table: { family: 'inet', name: 'edera' } } },
    { add: { set: { ...at, name: 'zones', type: ['ifname', 'ipv4_addr'], stmt: [{ counter: null }] } } },
    { add: { element: { ...at, name: 'zones', elem: [{ concat: ['vif7.0', zone4] }] } } },
    { add: { chain: { ...at, name: 'guard', type: 'filter', hook: 'prerouting', prio: -300, policy: 'accept' } } },
    { add: { rule } },
  ]);
  return host;
}

function match(left: unknown, right: unknown = 1, op = '==') {
  return { op, left, right };
}

function upLink(host: FakeHost, name: string): number {
  const ifindex = host.addLink(name);
  host.setLink(name, { up: true });
  return ifindex;
}

async function follow(host: FakeHost): Promise<HostEvent[]> {
  const seen: HostEvent[] = [];
  await host.watch((event) => seen.push(event));
  return seen;
}

/** Events are microtasks, all of which have run when the next task does. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
