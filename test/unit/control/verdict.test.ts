import { describe, expect, it } from 'vitest';
import { verdictLine } from '../../../src/cli/status-verdict.ts';
import { causesOf, isDegraded, withoutNetwork } from '../../../src/control/verdict.ts';
import { notice } from '../../../src/model/fault.ts';
import { statusOf, zoneOf } from './support.ts';

const bad = (what: string, why: string, fix: string | null) => ({ level: 'bad', what, why, fix }) as const;
const refused = { state: 'unserved', reason: 'its file is not used: FILE', fix: 'chown root FILE' } as const;
const seven = zoneOf({ link: 'vif7.0', ...refused });
const eight = zoneOf({ link: 'vif8.0', ...refused });
const unknown = zoneOf({
  link: 'vif9.0',
  state: 'unserved',
  reason: 'no zone directory knows this link',
  wanted: false,
});

describe('the verdict', () => {
  it.each([
    ['a zone that has its network', { zones: [zoneOf()] }, false],
    ['a zone whose guest has its interface down', { zones: [zoneOf({ carrier: false })] }, false],
    ['a link that no directory knows', { zones: [unknown] }, false],
    ['a warning', { faults: [notice('loose')] }, false],
    ['a zone that is being set up', { zones: [zoneOf({ state: 'opening' })] }, false],
    ['a zone whose entry cannot be used', { zones: [seven] }, true],
    ['a zone whose link is taken', { zones: [zoneOf({ state: 'taken' })] }, true],
    ['a fault of the host', { faults: [bad('no route', 'lost', null)] }, true],
    ['a failure', { failures: [{ what: 'host', reason: 'nft', attempts: 1, nextTryAt: 0 }] }, true],
  ] as const)('of %s', (_what, changes, expected) => {
    expect(isDegraded(statusOf(changes))).toBe(expected);
  });

  it('names links with the same reason together, and those that a fault has named not again', () => {
    const told = withoutNetwork(statusOf({ zones: [seven, eight, unknown] }));
    expect(told.map(({ links }) => links)).toEqual([['vif7.0', 'vif8.0'], ['vif9.0']]);
    const fault = { ...bad('the subnet is wrong', 'y', null), links: ['vif7.0', 'vif8.0'] };
    expect(withoutNetwork(statusOf({ zones: [seven, eight], faults: [fault] }))).toEqual([]);
  });

  it('has no cause where only a link that nobody knows is without network', () => {
    expect(causesOf(statusOf({ zones: [unknown] }))).toEqual([]);
  });
});

it('is one line for monitoring, whatever the reasons hold', () => {
  const faults = [bad('a\nb | c', 'why', 'sed s|a|b|')];
  const status = statusOf({ state: 'degraded', zones: [seven, eight], faults, warnings: ['a', 'b'] });
  expect(verdictLine(status)).toBe(
    'protect-network degraded - 2 links, 0 ready: a b / c; vif7.0, vif8.0: its file is not used: FILE | zones=2 ready=0 failures=1 warnings=1',
  );
});
