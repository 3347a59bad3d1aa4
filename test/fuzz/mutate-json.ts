/** Mutations of a JSON document by its values. */
import { awkward, mutateText } from './mutate-text.ts';
import type { Random } from './random.ts';
import type { Mutator } from './target.ts';

const oddValues: readonly unknown[] = [null, true, 0, -1, 1.5, 2 ** 53, 1e308, '', [], {}, [[]], { a: { b: [] } }];

/** A third of the inputs are treated as text, which is how they stop being JSON. */
export function mutateJson(words: readonly string[] = [], most = 64 * 1024): Mutator {
  const asText = mutateText(words, most);
  return (random, input, other) => {
    if (random.once(3)) return asText(random, input, other);
    const document = parsed(input);
    if (document === undefined) return asText(random, input, other);
    const foreign = partsOf(parsed(other));
    const root: Root = { root: document };
    for (let count = random.few(6); count > 0; count -= 1) {
      const place = random.pick(placesOf(root));
      if (place.holder === root) root.root = changed(random, root.root, foreign, words);
      else changeAt(random, place, foreign, words);
    }
    return Buffer.from(withAbyss(random, JSON.stringify(root.root) ?? 'null')).subarray(0, most);
  };
}

type Holder = Record<string, unknown> | unknown[];

interface Root extends Record<string, unknown> {
  root: unknown;
}

interface Place {
  readonly holder: Holder;
  readonly key: string | number;
}

function changeAt(random: Random, { holder, key }: Place, foreign: readonly unknown[], words: readonly string[]): void {
  if (Array.isArray(holder)) {
    const at = Number(key);
    const value = holder[at];
    const roll = random.below(5);
    if (roll === 0) holder.splice(at, 1);
    else if (roll === 1) holder.splice(at, 0, structuredClone(value));
    else if (roll === 2) holder.push(...Array<unknown>(random.once(50) ? 5000 : random.below(8)).fill(value));
    else holder[at] = changed(random, value, foreign, words);
    return;
  }
  const value = holder[key];
  const roll = random.below(5);
  if (roll === 0) delete holder[key];
  else if (roll === 1) {
    delete holder[key];
    define(holder, random.pick([...awkward, ...words]), value);
  } else define(holder, String(key), changed(random, value, foreign, words));
}

function changed(random: Random, value: unknown, foreign: readonly unknown[], words: readonly string[]): unknown {
  const roll = random.below(8);
  if (roll === 0) return random.pick(oddValues);
  if (roll === 1) return random.pick([...awkward, ...words]);
  if (roll === 2) return foreign.length === 0 ? null : structuredClone(random.pick(foreign));
  if (roll === 3) return [value];
  if (roll === 4) return { [random.pick([...awkward, ...words])]: value };
  if (roll === 5 && random.once(20)) return abyss;
  if (typeof value === 'number') return value + random.below(9) - 4;
  if (typeof value === 'string') return value.slice(0, random.below(value.length + 1)) + random.pick(awkward);
  return JSON.stringify(value) ?? '';
}

/** Stands for a value nested deeper than a program could walk; it is put in as text. */
const abyss = '\u0001abyss';

function withAbyss(random: Random, json: string): string {
  if (!json.includes('abyss')) return json;
  const depth = random.pick([100, 2_000, 15_000]);
  // Once: a document that was copied into itself may hold the word thousands of times.
  return json.replace(JSON.stringify(abyss), `${'[{"set":'.repeat(depth)}1${'}]'.repeat(depth)}`);
}

/** `__proto__` too becomes a key like any other. */
function define(holder: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

function placesOf(root: Root): Place[] {
  const places: Place[] = [{ holder: root, key: 'root' }];
  walk(root.root, (holder, key) => places.push({ holder, key }));
  return places;
}

function partsOf(document: unknown): unknown[] {
  const parts: unknown[] = [];
  walk(document, (holder, key) => parts.push((holder as Record<string | number, unknown>)[key]));
  return parts;
}

/** As many places as are worth choosing from. */
const maxPlaces = 4000;

function walk(value: unknown, visit: (holder: Holder, key: string | number) => void): void {
  const open: unknown[] = [value];
  for (let seen = 0; open.length > 0 && seen < maxPlaces; ) {
    const next = open.pop();
    if (typeof next !== 'object' || next === null) continue;
    for (const key of Array.isArray(next) ? next.keys() : Object.keys(next)) {
      visit(next as Holder, key);
      open.push((next as Record<string | number, unknown>)[key]);
      seen += 1;
    }
  }
}

function parsed(input: Buffer): unknown {
  try {
    return JSON.parse(input.toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
