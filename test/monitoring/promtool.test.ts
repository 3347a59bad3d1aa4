/** Prometheus' own opinion of the alert rules, of the dashboard's expressions, and of what docs/monitoring.md shows. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { blocksIn, read } from '../lab/markdown.ts';
import { dashboard, dashboardExpressions, rulesPath, rulesTestPath } from './files.ts';
import { promtool } from './promtool.ts';

beforeAll(() => promtool('--version'), 300_000);

it('the alert rules are rules', async () => {
  const { isContent, said } = await promtool('check', 'rules', rulesPath);
  expect(said).toMatch(/SUCCESS: [1-9]\d* rules found/);
  expect(isContent).toBe(true);
});

it('each alert comes when it has to, and not before', async () => {
  const { isContent, said } = await promtool('test', 'rules', rulesTestPath);
  expect(said).toContain('SUCCESS');
  expect(isContent).toBe(true);
});

it('every expression of the dashboard is PromQL', async () => {
  const rules = dashboardExpressions(dashboard()).map((expr, place) => ({
    record: `dashboard:expression:${place}`,
    expr,
  }));
  // JSON is YAML.
  const path = temporaryFile('rules.yaml', JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
  const { said } = await promtool('check', 'rules', path);
  expect(said).toContain(`SUCCESS: ${rules.length} rules found`);
});

it('the scrape configuration of docs/monitoring.md is one', async () => {
  const blocks = blocksIn(read('docs/monitoring.md').text).filter(({ language }) => language === 'yaml');
  expect(blocks.length).toBeGreaterThan(0);
  for (const { text } of blocks) {
    const path = temporaryFile('prometheus.yaml', text);
    expect((await promtool('check', 'config', '--syntax-only', path)).said).toContain('SUCCESS');
  }
});

function temporaryFile(name: string, content: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'protect-network-monitoring-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}
