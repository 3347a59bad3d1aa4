/** Makes two listings of an unchanged ruleset equal: without what changes by itself. */

/** Drops metainfo, handles and elements that packets make and time takes away, zeroes counters, sorts the elements of sets and maps (a hash prints them in any order). */
export function maskNft(objects: readonly Readonly<Record<string, unknown>>[]): unknown[] {
  return objects.filter((object) => !('metainfo' in object)).map(mask);
}

function mask(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(mask);
  if (typeof value !== 'object' || value === null) return value;
  const comesAndGoes = 'timeout' in value && 'elem' in value;
  const entries = Object.entries(value).filter(([key]) => key !== 'handle' && !(comesAndGoes && key === 'elem'));
  return Object.fromEntries(entries.map(([key, inner]) => [key, maskMember(key, inner)]));
}

function maskMember(key: string, value: unknown): unknown {
  if (key === 'counter' && typeof value === 'object' && value !== null) return maskCounter(value);
  const masked = mask(value);
  return key === 'elem' && Array.isArray(masked) ? masked.sort(byText) : masked;
}

/** Anonymous counters have only numbers; a named one, or a reference to it, keeps the rest. */
function maskCounter(counter: object): unknown {
  const zeroed = Object.entries(counter).filter(([key]) => key !== 'handle');
  return Object.fromEntries(zeroed.map(([key, value]) => [key, key === 'packets' || key === 'bytes' ? 0 : value]));
}

function byText(left: unknown, right: unknown): number {
  const [a, b] = [JSON.stringify(left), JSON.stringify(right)];
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
