/** Which resolvers the host asks (resolv.conf(5)). */
import { readFileSync } from 'node:fs';
import { type Address, parseAddress } from '../model/address.ts';

/** As the C library: the first three count. */
const most = 3;

/** None where there is no such file, or nothing in it that can be asked: with a zone index, an address is of one link only. */
export function resolversOf(file = '/etc/resolv.conf'): Address[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error) return [];
    throw error;
  }
  const named = text.matchAll(/^nameserver[ \t]+(\S+)/gm);
  return [...named.map(([, address = '']) => parseAddress(address))]
    .filter((address) => address !== undefined)
    .slice(0, most);
}
