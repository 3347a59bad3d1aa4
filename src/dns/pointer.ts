/** Names of addresses (RFC 1035 3.5, RFC 3596 2.5). */
import { type Address, parseAddress } from '../model/address.ts';

/**
 * The address that a name stands for; a name under `in-addr.arpa` or `ip6.arpa` that stands for none is the unspecified
 * address, which nothing leads to. Undefined for every other name. `name` in lower case without its last dot.
 */
export function addressOfPointer(name: string): Address | undefined {
  const labels = name.split('.').reverse();
  if (labels[0] !== 'arpa') return undefined;
  const parts = labels.slice(2);
  if (labels[1] === 'in-addr') return parsed(parts.join('.'), parts.length === 4) ?? nowhere;
  if (labels[1] !== 'ip6') return undefined;
  const isWhole = parts.length === 32 && parts.every((part) => /^[0-9a-f]$/.test(part));
  return parsed((parts.join('').match(/.{4}/g) ?? []).join(':'), isWhole) ?? nowhere;
}

const nowhere = parseAddress('::');

function parsed(text: string, isWhole: boolean): Address | undefined {
  return isWhole ? parseAddress(text) : undefined;
}
