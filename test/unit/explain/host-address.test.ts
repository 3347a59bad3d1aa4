import { expect, it } from 'vitest';
import { masqueradeAddress } from '../../../src/explain/host-address.ts';
import { address } from './support.ts';

type Info = { local: string; prefixlen: number; scope: string; isUsable: boolean };
const link = (ifname: string, ...addr_info: Info[]) => [ifname, { ifname, addr_info }] as const;
const global = (local: string, prefixlen: number, more: Partial<Info> = {}): Info => ({
  local,
  prefixlen,
  scope: 'global',
  isUsable: true,
  ...more,
});
const far4 = address('198.51.100.10');
const far6 = address('2001:db8:ffff::10');

function leavesAs(to: string, hop: string | undefined, ...links: (readonly [string, unknown])[]): string | undefined {
  return masqueradeAddress(new Map(links) as never, 'eth0', address(to), hop === undefined ? undefined : address(hop));
}

it('is the address whose subnet the next hop is in, else the first', () => {
  const eth0 = link(
    'eth0',
    global('172.20.0.5', 24),
    global('192.0.2.2', 24),
    global('192.0.2.3', 24, { isUsable: false }),
  );
  expect(leavesAs(far4, '192.0.2.1', eth0)).toBe('192.0.2.2');
  expect(leavesAs(far4, '10.0.0.1', eth0)).toBe('172.20.0.5');
  expect(leavesAs('192.0.2.77', undefined, eth0)).toBe('192.0.2.2');
});

it('is another link’s where the uplink has none, also behind an IPv6 next hop, and none where nobody has any', () => {
  const lo = link('lo', { local: '127.0.0.1', prefixlen: 8, scope: 'host', isUsable: true }, global('203.0.113.5', 32));
  expect(leavesAs(far4, 'fe80::1', link('eth0'), lo)).toBe('203.0.113.5');
  expect(leavesAs(far4, undefined, link('eth0'))).toBeUndefined();
});

it('is for IPv6 the one that suits the destination', () => {
  const eth0 = link(
    'eth0',
    global('fd00:aa::5', 64),
    global('2001:db8::9', 64, { isUsable: false }),
    global('2001:db8::2', 64),
  );
  expect(leavesAs(far6, 'fe80::1', eth0)).toBe('2001:db8::2');
  expect(leavesAs('fd00:bb::1', 'fe80::1', eth0)).toBe('fd00:aa::5');
});
