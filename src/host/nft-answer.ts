/** Reads what `nft -j list …` prints (libnftables-json(5); checked against nft 1.0.6 and 1.1.3). */
import { z } from 'zod';
import { ProtectNetworkError } from '../model/errors.ts';
import type { NftObject } from './port.ts';

/**
 * Ubuntu 22.04's. What an older nft cannot make is found by a dry run; but 0.9.8 takes all of our rules and lists several as
 * others than they are, so that repairs would never end. Besides, it crashes where a transaction is refused.
 */
const oldestVersion = [1, 0, 2];

const metainfoSchema = z.object({ metainfo: z.object({ version: z.string() }) });

/**
 * The listed objects in nft's order, without `metainfo`. Throws `garbled` for anything that is no such document, and
 * `tool-outdated` for one of an nft that is too old.
 */
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
  const rows = objects.filter(isObject);
  for (const row of rows) if ('metainfo' in row) requireVersion(row);
  return rows.filter((object) => !('metainfo' in object));
}

/** A version that is spelled as none is yet is taken for a new one. */
function requireVersion(row: NftObject): void {
  const version = metainfoSchema.safeParse(row).data?.metainfo.version ?? '';
  const parts = /^(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number);
  const difference = parts?.map((part, index) => part - (oldestVersion[index] ?? 0)).find((value) => value !== 0) ?? 0;
  if (difference >= 0) return;
  throw new ProtectNetworkError(
    'tool-outdated',
    `nft ${version} is too old: it lists rules incorrectly; install nftables 1.0.6 or newer`,
  );
}

function isObject(value: unknown): value is NftObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
