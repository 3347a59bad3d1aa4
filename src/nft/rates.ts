/** Expressions that are true up to a rate, or beyond it. Pure. */
import type { NftObject } from '../host/nft-command.ts';

const link: NftObject = { meta: { key: 'iifname' } };

interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** True while the link that the packet came by stays below the rate; the kernel keeps one bucket per link in `set`. */
export function linkIsBelow(set: string, rate: Rate): NftObject {
  return bucketOf(set, link, limitOf(rate));
}

/** The opposite. */
export function linkIsBeyond(set: string, rate: Rate): NftObject {
  return bucketOf(set, link, { ...limitOf(rate), inv: true });
}

/** True once a minute for the link that the packet came by. */
export function linkIsNew(set: string): NftObject {
  return onceAMinute(set, link);
}

/** All links together. */
export function isBelow(rate: Rate): NftObject {
  return { limit: limitOf(rate) };
}

function limitOf({ perSecond: rate, burst }: Rate): NftObject {
  return { rate, burst, per: 'second' };
}

export function onceAMinute(set: string, elem: NftObject): NftObject {
  return bucketOf(set, elem, { rate: 1, burst: 1, per: 'minute' });
}

/** True as `limit` is, of which the kernel keeps one for each `elem` in `set`. */
function bucketOf(set: string, elem: NftObject, limit: NftObject): NftObject {
  return { set: { op: 'update', elem, set: `@${set}`, stmt: [{ limit }] } };
}
