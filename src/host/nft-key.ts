/** Keys of elements as `ElementsCommand` has them: parts with a blank between, `FIRST-LAST` for an interval. */
import * as netlink from '../netlink/index.ts';

/** The parts, each first and last; undefined where they are of types that no key of ours has, or have another length. */
export function keySpans(
  { key, keyEnd = key }: Pick<netlink.Element, 'key' | 'keyEnd'>,
  types: readonly string[],
): (readonly [first: string, last: string])[] | undefined {
  if (!types.every(netlink.isKeyPart)) return undefined;
  try {
    const ends = netlink.partsOfKey(keyEnd, types);
    return netlink.partsOfKey(key, types).map((part, place) => [part, ends[place] ?? part] as const);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

export function keyText(
  element: Pick<netlink.Element, 'key' | 'keyEnd'>,
  types: readonly string[],
): string | undefined {
  return keySpans(element, types)
    ?.map(([first, last]) => (first === last ? first : `${first}-${last}`))
    .join(' ');
}
