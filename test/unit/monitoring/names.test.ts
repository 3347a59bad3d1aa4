/** Alert rules and dashboard ask for what the daemon really exports, and each alert leads to words on what to do. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { metricFamilies } from '../../../src/control/metrics.ts';
import { formatFor } from '../../../src/control/open-metrics.ts';
import { anchorsIn } from '../../lab/markdown.ts';
import { alerts, dashboard, dashboardExpressions, rulesTestPath } from '../../monitoring/files.ts';
import { noon, statusOf, zoneOf } from '../control/support.ts';

/** Values of each label of each series. */
const exported = exportedSeries();
/** What Prometheus itself adds to every series. */
const added = ['instance', 'job'];
const sources = [
  ...alerts().map(({ name, expression }) => [`alert ${name}`, expression] as const),
  ...dashboardExpressions(dashboard()).map((expression, place) => [`dashboard ${place}`, expression] as const),
];

describe.each(sources)('%s', (_name, expression) => {
  const selectors = [...expression.matchAll(/\b(protect_network_\w+|up)(?:\{([^}]*)\})?/g)].map(
    ([, series = '', matchers = '']) => ({ series, matchers: matchersIn(matchers) }),
  );

  it('asks for series that there are', () => {
    expect(selectors.length).toBeGreaterThan(0);
    for (const { series } of selectors) expect([...exported.keys(), 'up']).toContain(series);
  });

  it('asks for labels that they have, and for values that occur', () => {
    for (const { series, matchers } of selectors) {
      for (const { label, values } of matchers) {
        if (added.includes(label)) continue;
        const known = exported.get(series)?.get(label);
        expect(known, `${series} has ${label}`).toBeDefined();
        for (const value of values) expect([...(known ?? [])], `${series}{${label}}`).toContain(value);
      }
    }
  });

  it('groups by labels that one of its series has', () => {
    const groups = [...expression.matchAll(/\b(?:by|on|group_left) \(([^)]*)\)/g)];
    const labels = groups.flatMap(([, list = '']) => list.split(',').map((label) => label.trim()));
    const known = new Set([...added, ...selectors.flatMap(({ series }) => [...(exported.get(series)?.keys() ?? [])])]);
    for (const label of labels) expect([...known]).toContain(label);
  });
});

describe('the alerts', () => {
  const docs = readFileSync(join(import.meta.dirname, '../../../docs/alerts.md'), 'utf8');
  const tests = readFileSync(rulesTestPath, 'utf8');

  it.each(alerts())('$name leads to its section, which says what to do', ({ name, runbook }) => {
    const [place, anchor = ''] = runbook.split('#');
    expect(place).toBe('file:///usr/share/doc/protect-network/docs/alerts.md');
    expect(anchor).toBe(name.toLowerCase());
    expect(anchorsIn(docs)).toContain(anchor);
  });

  it('are all that the document tells of', () => {
    const told = [...docs.matchAll(/^## (ProtectNetwork\w+)$/gm)].map(([, name]) => name);
    expect(told).toEqual(alerts().map(({ name }) => name));
  });

  it.each(alerts())('$name is tested both ways', ({ name }) => {
    expect(tests).toMatch(new RegExp(`alertname: ${name}\\n +exp_alerts:`));
    expect(tests).toContain(`alertname: ${name}}`);
  });
});

it('the dashboard has each panel once, and none over another', () => {
  const { panels } = dashboard();
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
});

function exportedSeries(): Map<string, Map<string, Set<string>>> {
  const drops = { packets: 1, bytes: 1 };
  const totals = { queries: 5, answered: 2, denied: 1, failed: 1, limited: 1 };
  const status = statusOf({
    fleet: { blocks: [{ block: '10.75.2.0/24', used: 7, capacity: 254 }] },
    forwarder: { connected: true, since: noon, resolversAnswer: true, totals },
    directories: (['control-api', 'xenstore', 'static'] as const).map((name) => {
      return { name, state: 'answered', entries: 1, problems: [], detail: 'read', since: noon };
    }),
    zones: [
      zoneOf({
        dropped: {
          source: drops,
          unassigned: drops,
          stray: drops,
          error: drops,
          flood: drops,
          untranslated: drops,
          bandwidth: drops,
          denied: drops,
          limit: drops,
        },
      }),
    ],
  });
  const series = new Map<string, Map<string, Set<string>>>();
  const text = formatFor().render(metricFamilies(status, { timesToReadyMs: [1] }));
  for (const [, name = '', labels = ''] of text.matchAll(/^([a-z_]+)(?:\{(.*)\})? \S+$/gm)) {
    const known = series.get(name) ?? new Map<string, Set<string>>();
    series.set(name, known);
    for (const { label, values } of matchersIn(labels)) {
      known.set(label, (known.get(label) ?? new Set()).union(new Set(values)));
    }
  }
  return series;
}

/** `a="b",c=~"d|e"`; a value that is a pattern other than alternatives counts as none. */
function matchersIn(text: string): { label: string; values: string[] }[] {
  return [...text.matchAll(/(\w+)(=~|!=|=)"([^"]*)"/g)].map(([, label = '', , value = '']) => {
    return { label, values: value === '.*' ? [] : value.split('|') };
  });
}
