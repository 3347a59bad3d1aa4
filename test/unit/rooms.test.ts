/** The rooms of ARCHITECTURE.md: none imports from above, and no file imports itself by way of others. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { read } from '../lab/markdown.ts';

const src = join(import.meta.dirname, '../../src');

const facing = ['model', 'words', 'host'];
const daemon = [
  'model',
  'words',
  'config',
  'policy',
  'directories',
  'host',
  'routes',
  'rules',
  'nft',
  'arp',
  'control',
];
/** From which rooms each may import, besides itself; `cli` from all. */
const below: Readonly<Record<string, readonly string[]>> = {
  model: [],
  words: ['model'],
  netlink: [],
  config: ['model', 'words'],
  policy: ['model', 'words', 'config'],
  dns: ['model', 'words', 'config', 'policy', 'netlink'],
  xenstore: ['model'],
  directories: ['model', 'words', 'config', 'xenstore'],
  host: ['model', 'words', 'netlink'],
  routes: facing,
  rules: facing,
  nft: [...facing, 'policy', 'rules'],
  arp: facing,
  faults: ['model', 'words', 'config', 'policy', 'host', 'routes', 'rules'],
  control: ['model', 'words', 'policy', 'directories', 'nft'],
  lifecycle: [...daemon, 'faults'],
  explain: [...daemon, 'faults', 'lifecycle'],
  doctor: [...daemon, 'faults', 'lifecycle'],
  traffic: [...daemon, 'lifecycle', 'explain'],
  capture: facing,
  report: ['model', 'config', 'control', 'directories', 'host', 'xenstore'],
};

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
/** By file, both as paths below `src`. Types count: who needs one has to know its room. */
const imports = new Map(files.map((file) => [file, importsOf(file)]));

it('sees the rooms and the imports', () => {
  expect(new Set(files.map(roomOf))).toEqual(new Set([...Object.keys(below), 'cli']));
  expect(imports.get('directories/control-api/directory.ts')).toContain('directories/control-api/session.ts');
  expect([...imports.values()].flat().length).toBeGreaterThan(files.length);
});

it.each(Object.entries(below))('src/%s imports from no room above it', (room, others) => {
  const own = files.filter((file) => roomOf(file) === room);
  const chains = own.flatMap((file) =>
    importedBy(file)
      .filter((imported) => ![room, ...others].includes(roomOf(imported)))
      .map((imported) => told([file, imported])),
  );
  expect(own).not.toEqual([]);
  expect(chains).toEqual([]);
});

it('no file imports itself by way of others', () => {
  const done = new Set<string>();
  const circlesBy = (file: string, way: readonly string[]): string[] => {
    const chain = [...way, file];
    if (way.includes(file)) return [told(chain.slice(way.indexOf(file)))];
    if (done.has(file)) return [];
    const circles = importedBy(file).flatMap((imported) => circlesBy(imported, chain));
    done.add(file);
    return circles;
  };
  expect(files.flatMap((file) => circlesBy(file, []))).toEqual([]);
});

it('ARCHITECTURE.md names no file that there is not', () => {
  const root = join(src, '..');
  const { text } = read('ARCHITECTURE.md');
  const places = ['src', 'test', 'scripts', 'bench'];
  const files = places.flatMap((place) => readdirSync(join(root, place), { recursive: true, encoding: 'utf8' }));
  const known = new Set(files.map((file) => basename(file)));
  const named = [...text.matchAll(/`([\w./-]+\.(?:ts|mjs|service))`/g)].map(([, path = '']) => path);
  expect(named.length).toBeGreaterThan(60);
  expect(named.filter((path) => !(path.includes('/') ? existsSync(join(root, path)) : known.has(path)))).toEqual([]);
});

function importsOf(file: string): string[] {
  const source = readFileSync(join(src, file), 'utf8');
  const paths = [...source.matchAll(/\b(?:from|import)\s*\(?\s*'(\.[^']+)'/g)];
  return paths.map(([, path = '']) => join(dirname(file), path));
}

function importedBy(file: string): readonly string[] {
  return imports.get(file) ?? [];
}

function roomOf(file: string): string {
  return file.split('/')[0] ?? '';
}

function told(chain: readonly string[]): string {
  return chain.map((file) => `src/${file}`).join(' → ');
}
