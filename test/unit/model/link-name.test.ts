import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { domidOf, linkName, parseLinkName } from '../../../src/model/link-name.ts';

describe('parseLinkName', () => {
  it.each(['vif1.0', 'vif7.0', 'vif1339.2', 'vif32751.0', 'vif32751.12345', 'vif1.123456789'])('takes %s', (name) => {
    expect(parseLinkName(name)).toBe(name);
  });

  it.each([
    ['', 'nothing'],
    ['vif', 'the bare prefix'],
    ['vif7', 'no device'],
    ['vif7.', 'an empty device'],
    ['vif.0', 'an empty domain'],
    ['vif0.0', 'the host itself'],
    ['vif07.0', 'a leading zero in the domain'],
    ['vif7.00', 'a leading zero in the device'],
    ['vif7.01', 'a leading zero in the device'],
    ['vif32752.0', 'the first reserved domain (DOMID_FIRST_RESERVED)'],
    ['vif65535.0', 'a domain beyond all'],
    ['vif32751.1234567', '16 bytes, more than IFNAMSIZ holds'],
    ['vif7.0-emu', 'the emulated device of an HVM guest'],
    ['vif7.0.1', 'a second device'],
    ['vif7.0@if3', 'a peer'],
    ['vif7.0 ', 'a blank behind'],
    [' vif7.0', 'a blank before'],
    ['vif7.0\n', 'a line end'],
    ['vif7.0\0', 'a NUL'],
    ['vif-7.0', 'a negative domain'],
    ['vif+7.0', 'a sign'],
    ['vif7.1e1', 'an exponent'],
    ['VIF7.0', 'capitals'],
    ['vif７.0', 'digits of another script'],
    ['tap7.0', 'another kind of link'],
    ['vif*', 'a wildcard of nftables'],
    ['../vif7.0', 'a path'],
  ])('refuses %j: %s', (name) => {
    expect(parseLinkName(name)).toBeUndefined();
  });

  it('makes the names it reads', () => {
    fc.assert(
      fc.property(fc.integer({ min: -2, max: 40_000 }), fc.integer({ min: -2, max: 2_000_000 }), (domid, devid) => {
        const name = linkName(domid, devid);
        const fits = domid >= 1 && domid <= 32_751 && devid >= 0 && `vif${domid}.${devid}`.length <= 15;
        expect(name).toBe(fits ? `vif${domid}.${devid}` : undefined);
        if (name === undefined) return;
        expect(parseLinkName(name)).toBe(name);
        expect(domidOf(name)).toBe(domid);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    [1.5, 0],
    [1, 0.5],
    [Number.NaN, 0],
    [1, Number.POSITIVE_INFINITY],
    [1, 1e21],
  ])('makes none of %d and %d', (domid, devid) => {
    expect(linkName(domid, devid)).toBeUndefined();
  });

  it('lets nothing through that nftables, a path or an argument list would read differently', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'vif0123456789.*/-" @\n') })), (text) => {
        const name = parseLinkName(text);
        if (name !== undefined) expect(name).toMatch(/^vif[0-9]+\.[0-9]+$/);
      }),
      { numRuns: 2000 },
    );
  });
});
