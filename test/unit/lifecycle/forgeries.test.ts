/** The first forgery of a burst is said with its addresses, the rest once a minute. */
import { expect, it } from 'vitest';
import { Forgeries, spoofed, unassigned } from '../../../src/lifecycle/forgeries.ts';
import { parseAddress } from '../../../src/model/address.ts';

const packet = (source: string) =>
  ({ kind: 'traced', table: 'inet edera', chain: 'forged', link: 'vif7.0', source, destination: '8.8.8.8' }) as const;

it('the first of a link is said, with source and destination', () => {
  const line = new Forgeries(spoofed).heard(3, packet('10.75.0.99'), [], 0);
  expect(line).toMatch(/^vif7\.0: dropped packet with spoofed source 10\.75\.0\.99 \(to 8\.8\.8\.8\)/);
});

it('further ones within a minute are not, and the status shows the youngest', () => {
  const forgeries = new Forgeries(spoofed);
  forgeries.heard(3, packet('10.75.0.99'), [], 0);
  for (let second = 1; second < 60; second += 1) {
    expect(forgeries.heard(3, packet(`10.75.0.${second}`), [], second * 1000)).toBeUndefined();
  }
  expect(forgeries.last(3)).toEqual({ at: 59_000, source: '10.75.0.59', destination: '8.8.8.8' });
  expect(forgeries.heard(3, packet('10.75.0.99'), [], 60_000)).toContain('10.75.0.99');
});

it('one link does not silence another', () => {
  const forgeries = new Forgeries(spoofed);
  forgeries.heard(3, packet('10.75.0.99'), [], 0);
  expect(forgeries.heard(4, packet('10.75.0.99'), [], 1)).toBeDefined();
});

it('a link that ended takes its own along: a new one of that index begins anew', () => {
  const forgeries = new Forgeries(spoofed);
  forgeries.heard(3, packet('10.75.0.99'), [], 0);
  forgeries.forget(3);
  expect(forgeries.last(3)).toBeUndefined();
  expect(forgeries.heard(3, packet('10.75.0.99'), [], 1)).toBeDefined();
});

it('an IPv6 address that nobody has is no spoofed source: the line says what the zone was given', () => {
  const second = packet('fdd4:1476:6c7e::99');
  const given = ['10.75.1.7', 'fdd4:1476:6c7e::107'].flatMap((text) => parseAddress(text) ?? []);
  const heard = (addresses: typeof given) => new Forgeries(unassigned).heard(3, second, addresses, 0);
  expect(heard(given)).toMatch(/discovery from fdd4:1476:6c7e::99: the zone's address is fdd4:1476:6c7e::107;/);
  expect(heard(given.slice(0, 1))).toContain('no IPv6 address is assigned to this zone');
  expect(heard([])).toContain('no IPv6 address is assigned to this zone');
});
