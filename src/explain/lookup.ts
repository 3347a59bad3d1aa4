/** Looking a value up in a set or map of nftables, named or anonymous. Pure. */
import { isRecord, type NamedSet } from './ruleset.ts';
import { fits, type Truth, type Value } from './value.ts';

export interface Found {
  readonly truth: Truth;
  /** What a map holds for the key; undefined for a set, or where nothing certain was found. */
  readonly data: unknown;
}

/** `reference` is `@name` or `{set: […]}`; `isMap` says whether its elements are pairs of key and data. */
export function lookUp(reference: unknown, key: Value, sets: ReadonlyMap<string, NamedSet>, isMap: boolean): Found {
  if (key.state === 'absent') return { truth: false, data: undefined };
  const elements = elementsOf(reference, sets);
  if (elements === undefined) return { truth: undefined, data: undefined };
  let doubt = false;
  let fallback: unknown;
  for (const element of elements) {
    const [pattern, data] = isMap && Array.isArray(element) ? element : [element, undefined];
    const bare = unwrap(pattern);
    const truth = fits(bare, key);
    // The catch-all counts only where nothing else fits.
    if (bare === '*') fallback = [data];
    else if (truth === true) return { truth: true, data: unwrap(data) };
    else if (truth === undefined) doubt = true;
  }
  if (doubt) return { truth: undefined, data: undefined };
  return Array.isArray(fallback) ? { truth: true, data: unwrap(fallback[0]) } : { truth: false, data: undefined };
}

function elementsOf(reference: unknown, sets: ReadonlyMap<string, NamedSet>): readonly unknown[] | undefined {
  if (typeof reference === 'string' && reference.startsWith('@')) return sets.get(reference.slice(1))?.elements;
  const list = isRecord(reference) ? reference['set'] : undefined;
  if (Array.isArray(list)) return list;
  return list === undefined ? undefined : [list];
}

/** An element with a counter, a timeout or a comment is wrapped: `{"elem": {"val": …}}`. */
function unwrap(element: unknown): unknown {
  const inner = isRecord(element) ? element['elem'] : undefined;
  return isRecord(inner) && 'val' in inner ? inner['val'] : element;
}
