/** Reads what `nft -j list …` prints (libnftables-json(5); checked against nft 1.0.6). */
import { ProtectNetworkError } from '../model/errors.ts';
import type { NftObject } from './port.ts';

/** The listed objects in order, without `metainfo`. Throws `garbled` for anything that is no such document. */
export function parseListing(text: string): NftObject[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new ProtectNetworkError('garbled', `nft printed JSON that cannot be read: ${text.slice(0, 200)}`, {
      cause: error,
    });
  }
  const objects = isObject(parsed) ? parsed['nftables'] : undefined;
  if (!Array.isArray(objects)) throw new ProtectNetworkError('garbled', 'nft printed JSON without a list "nftables"');
  return objects.filter(isObject).filter((object) => !('metainfo' in object));
}

function isObject(value: unknown): value is NftObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
