/** Policy rules and tables, as the kernel goes through them. */
import { describe, expect, it } from 'vitest';
import type { PolicyRule, TableRoute } from '../../../src/host/routing-tables.ts';
import { type RouteQuery, route } from '../../../src/rules/routing.ts';
import { address } from './support.ts';

const query: RouteQuery = {
  family: 'ipv4',
  destination: address('198.51.100.10'),
  source: address('10.75.0.7'),
  input: 'vif7.0',
  mark: 0,
};
const usual: readonly PolicyRule[] = [
  { priority: 0, table: 'local' },
  { priority: 32_766, table: 'main' },
  { priority: 32_767, table: 'default' },
];

function unicast(dst: string, more: Partial<TableRoute> = {}): TableRoute {
  return {
    family: 'ipv4',
    type: 'unicast',
    dst,
    table: 'main',
    protocol: 'static',
    dev: 'uplink0',
    ...more,
  };
}

function chosen(rules: readonly PolicyRule[], routes: readonly TableRoute[], asked = query): string {
  const answer = route({ rules: [...usual, ...rules], routes }, asked);
  if (answer.kind === 'route') return `${answer.route.type} ${answer.route.dst} ${answer.route.table}`;
  return answer.kind === 'refused' ? answer.action : answer.kind;
}

describe('a table', () => {
  it.each<[string, readonly TableRoute[], string]>([
    [
      'answers by its longest prefix',
      [unicast('default'), unicast('198.51.100.0/24'), unicast('198.0.0.0/8')],
      'unicast 198.51.100.0/24 main',
    ],
    [
      'answers by the smallest metric',
      [unicast('default', { metric: 20, dev: 'a' }), unicast('default', { metric: 10, type: 'blackhole' })],
      'blackhole default main',
    ],
    [
      'passes over dead routes',
      [unicast('198.51.100.10', { isDead: true }), unicast('default')],
      'unicast default main',
    ],
    [
      'local comes first',
      [unicast('198.51.100.0/24'), unicast('198.51.100.10', { type: 'local', table: 'local' })],
      'local 198.51.100.10 local',
    ],
    ['may have nothing', [unicast('10.0.0.0/8')], 'none'],
  ])('%s', (_name, routes, expected) => {
    expect(chosen([], routes)).toBe(expected);
  });
});

describe('a policy rule', () => {
  const other = [unicast('default', { table: '100' }), unicast('198.51.100.0/24')];
  const to100 = { table: '100' } as const;
  const taken = 'unicast default 100';
  const passed = 'unicast 198.51.100.0/24 main';
  it.each<[string, Omit<PolicyRule, 'priority'>, string, Partial<RouteQuery>?]>([
    ['without conditions', to100, taken],
    ['by source', { ...to100, from: '10.75.0.0/16' }, taken],
    ['by another source', { ...to100, from: '10.76.0.0/16' }, passed],
    ['turned round', { ...to100, isInverted: true, from: '10.76.0.0/16' }, taken],
    ['by destination', { ...to100, to: '198.51.100.10' }, taken],
    ['by link', { ...to100, input: 'vif7.0' }, taken],
    ['by another link', { ...to100, input: 'vif8.0' }, passed],
    ['for the host’s own', { ...to100, input: 'lo' }, taken, { input: undefined }],
    ['by mark and mask', { ...to100, mark: { value: 5, mask: 0xff } }, taken, { mark: 0x105 }],
    ['by another mark', { ...to100, mark: { value: 5, mask: 0xffffffff } }, passed, { mark: 0x105 }],
    [
      'by protocol and port',
      { ...to100, transport: 'tcp', destinationPorts: [80, 90] },
      taken,
      { transport: 'tcp', destinationPort: 85 },
    ],
    [
      'by another port',
      { ...to100, transport: 'tcp', destinationPorts: [22, 22] },
      passed,
      { transport: 'tcp', destinationPort: 85 },
    ],
    [
      'by source port',
      { ...to100, transport: 'tcp', sourcePorts: [80, 90] },
      taken,
      { transport: 'tcp', sourcePort: 85 },
    ],
    ['by a source port that is not known', { ...to100, sourcePorts: [80, 90] }, 'unclear'],
    ['by type of service, which is not known', { ...to100, typeOfService: 0x10 }, 'unclear'],
    ['that refuses', { action: 'prohibit' }, 'prohibit'],
    ['that does nothing', { action: 'nop' }, passed],
    ['that suppresses default routes', { ...to100, suppressedLength: 0 }, passed],
    ['that goes to a later one', { goto: 32_766 }, passed],
  ])('%s', (_name, rule, expected, asked = {}) => {
    const between = { priority: 60, table: '100' };
    const rules = rule.goto === undefined ? [{ ...rule, priority: 50 }] : [{ ...rule, priority: 50 }, between];
    expect(chosen(rules, other, { ...query, ...asked })).toBe(expected);
  });

  it('goes on where its table says throw', () => {
    expect(
      chosen([{ ...to100, priority: 50 }], [...other, unicast('198.51.100.0/24', { table: '100', type: 'throw' })]),
    ).toBe(passed);
  });
});
