/** What lists of prefixes cover. */
import { type Address, familyOf, hostLength, lastAddress, type Prefix, toBigInt } from './address.ts';

/** From the first address to the last, both included. */
export interface Span {
  readonly first: Address;
  readonly last: Address;
}

/**
 * What prefixes of one family cover, in ascending order and without overlap. What touches is one span too, as nft joins it
 * in a set of prefixes; of single addresses alone each stays for itself, as in a set without intervals.
 */
export function spansOf(prefixes: readonly Prefix[]): Span[] {
  const gap = prefixes.some(({ family, length }) => length < hostLength(family)) ? 1n : 0n;
  const sorted = prefixes
    .map((prefix): Span => ({ first: prefix.address, last: lastAddress(prefix) }))
    .sort((one, other) => (toBigInt(one.first) < toBigInt(other.first) ? -1 : 1));
  const spans: Span[] = [];
  for (const span of sorted) {
    const before = spans.at(-1);
    if (before === undefined || toBigInt(span.first) > toBigInt(before.last) + gap) spans.push(span);
    else if (toBigInt(span.last) > toBigInt(before.last)) spans[spans.length - 1] = { ...before, last: span.last };
  }
  return spans;
}

/** The length of the prefix that covers just the span; undefined where none does. */
export function lengthOf({ first, last }: Span): number | undefined {
  const size = toBigInt(last) - toBigInt(first) + 1n;
  const isPrefix = (size & (size - 1n)) === 0n && toBigInt(first) % size === 0n;
  return isPrefix ? hostLength(familyOf(first)) - (size.toString(2).length - 1) : undefined;
}
