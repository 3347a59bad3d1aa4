/** Looking a value up in a set or map of nftables, named or anonymous. Pure. */
import { isRecord, type NamedSet } from './ruleset.ts';
import { fits, type Truth, type Value } from './value.ts';

interface Found {
  readonly truth: Truth;
  /** What a map holds for the key; undefined for a set, or where nothing certain was found. */
  readonly data?: unknown;
  /** What a map may hold for the key; undefined where nobody knows its elements. */
  readonly candidates?: readonly unknown[];
  /** One of the candidates it is. */
  readonly isComplete?: boolean;
}

/** `reference` is `@name` or `{set: […]}`; `isMap` says whether its elements are pairs of key and data. */
export function lookUp(reference: unknown, key: Value, sets: ReadonlyMap<string, NamedSet>, isMap: boolean): Found {
  if (key.state === 'absent') return { truth: false };
  const elements = elementsOf(reference, sets);
  if (elements === undefined) return { truth: undefined };
  const candidates: unknown[] = [];
  const fallback: unknown[] = [];
  for (const element of elements) {
    const [pattern, data] = isMap && Array.isArray(element) ? element : [element, undefined];
    const bare = elementValue(pattern);
    const truth = truthOf(pattern, key);
    // The catch-all counts only where nothing else fits.
    if (bare === '*') fallback.push(elementValue(data));
    else if (truth === true) return { truth, data: elementValue(data) };
    else if (truth === undefined) candidates.push(elementValue(data));
  }
  if (candidates.length > 0) {
    const isComplete = fallback.length > 0 || candidates.length >= choices(key);
    return { truth: undefined, candidates: [...candidates, ...fallback], isComplete };
  }
  return fallback.length > 0 ? { truth: true, data: fallback[0] } : { truth: false };
}

/** How many values it may have. */
function choices(key: Value): number {
  if (key.state !== 'among') return Number.POSITIVE_INFINITY;
  return key.spans.reduce((sum, [low, high]) => {
    return typeof low === 'bigint' && typeof high === 'bigint'
      ? sum + Number(high - low) + 1
      : Number.POSITIVE_INFINITY;
  }, 0);
}

function elementsOf(reference: unknown, sets: ReadonlyMap<string, NamedSet>): readonly unknown[] | undefined {
  if (typeof reference === 'string' && reference.startsWith('@')) return sets.get(reference.slice(1))?.elements;
  const list = isRecord(reference) ? reference['set'] : undefined;
  if (Array.isArray(list)) return list;
  return list === undefined ? undefined : [list];
}

/** An element with a limit counts only beyond it. */
function truthOf(element: unknown, key: Value): Truth {
  const inner = isRecord(element) ? element['elem'] : undefined;
  const isConditional = isRecord(inner) && ['limit', 'ct count', 'quota'].some((statement) => statement in inner);
  const truth = fits(elementValue(element), key);
  return isConditional && truth === true ? undefined : truth;
}

/** An element with a counter, a timeout or a comment is wrapped: `{"elem": {"val": …}}`. */
export function elementValue(element: unknown): unknown {
  const inner = isRecord(element) ? element['elem'] : undefined;
  return isRecord(inner) && 'val' in inner ? inner['val'] : element;
}
