/** The JSON schemas say what the readers of the files say, as far as JSON Schema can. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { jsonSchemas } from '../../../scripts/package/json-schemas.ts';
import { manifest } from '../../../scripts/package/manifest.ts';
import { settingsSchema } from '../../../src/config/settings-schema.ts';
import { zoneSchema } from '../../../src/directories/static/zone-file.ts';
import { policyFileSchema } from '../../../src/policy/policy-file.ts';

const root = join(import.meta.dirname, '../../..');
const schemas = jsonSchemas(readFileSync(join(root, 'systemd/protect-network.toml.example'), 'utf8'));
const files = [
  ['settings', 'protect-network.toml.example', settingsSchema],
  ['zone', 'vif7.0.toml.example', zoneSchema],
  ['policy', 'policy.toml.example', policyFileSchema],
] as const;

describe.each(files)('%s', (name, file, reader) => {
  const text = readFileSync(join(root, 'systemd', file), 'utf8');
  const schema = z.fromJSONSchema(JSON.parse(schemas[name]));

  it('the example names its schema where the package puts it, and both take the example', () => {
    const [first = ''] = text.split('\n', 1);
    const [, path = ''] = /^#:schema \/usr\/(.+)$/.exec(first) ?? [];
    expect(manifest(root, root, 0).find(({ to }) => to === path)?.from).toEqual({ text: schemas[name] });
    expect(schema.safeParse(parse(text))).toMatchObject({ success: true });
    expect(reader.safeParse(parse(text))).toMatchObject({ success: true });
  });

  it('every key of the reader is told, with words', () => {
    const untold = keysOf(JSON.parse(schemas[name])).filter(([, node]) => !('description' in node) && !isTable(node));
    expect(keysOf(JSON.parse(schemas[name])).length).toBeGreaterThan(2);
    expect(untold).toEqual([]);
  });
});

describe('what both refuse', () => {
  it.each([
    ['settings', { isolation: { metadata: 'no' } }],
    ['settings', { reconcile: { 'resync-seconds': 0 } }],
    ['settings', { zone: {} }],
    ['zone', { ipv4: 7 }],
    ['zone', { ipv4: '10.75.0.3', nam: 'web' }],
    ['zone', { ipv4: '10.75.0.3', name: '' }],
    ['policy', { policy: [{ zones: ['a'], egress: { mode: 'on' } }] }],
    ['policy', { policy: [{ zones: ['a'], publish: [{ listen: '443/tcp', to: 0 }] }] }],
    ['policy', { policy: [{ zone: ['a'] }] }],
  ] as const)('%s: %j', (name, value) => {
    const reader = files.find(([each]) => each === name)?.[2];
    expect(reader?.safeParse(value).success).toBe(false);
    expect(z.fromJSONSchema(JSON.parse(schemas[name])).safeParse(value).success).toBe(false);
  });
});

type Node = Readonly<Record<string, unknown>>;

/** Of a schema and of what is in it, each with its name. */
function keysOf(node: Node): [string, Node][] {
  const own = Object.entries((node['properties'] ?? {}) as Record<string, Node>);
  const items = node['items'] === undefined ? [] : keysOf(node['items'] as Node);
  return [...own, ...own.flatMap(([, each]) => keysOf(each)), ...items];
}

/** Told of by its keys. */
function isTable(node: Node): boolean {
  return node['properties'] !== undefined || (node['items'] as Node | undefined)?.['properties'] !== undefined;
}
