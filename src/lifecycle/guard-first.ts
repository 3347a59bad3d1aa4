/**
 * What is put back ahead of everything else in a pass, before the tables are read. Without it, all would be open until then that
 * nothing but nftables keeps closed: forged IPv6, and what policies do not allow.
 */
import type { NftCommand } from '../host/nft-command.ts';
import type { Nft } from '../host/port.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import { closeEgress } from '../nft/layout-egress.ts';
import { dropCounts, ownTable } from '../nft/names.ts';
import { remakeReversePath } from '../nft/plan-reverse-path.ts';
import { tableKey } from '../nft/ruleset.ts';
import type { Desired } from './desired.ts';
import type { Dirty } from './dirty.ts';

/** The second layer's table is made anew whenever somebody has touched it: it needs no looking at. */
export async function guardFirst(nft: Nft, dirty: Dirty, desired: Desired | undefined): Promise<void> {
  if (desired === undefined) return;
  const { layout } = desired;
  try {
    const commands = [...(dirty.ipv6Guard ? remakeReversePath(layout) : []), ...(await closed(nft, dirty, desired))];
    if (commands.length > 0) await nft.transact(commands);
  } catch (error) {
    if (!(error instanceof ProtectNetworkError)) throw error;
    // The pass will find it missing, try again, and say what is wrong.
    dirty.ipv6Guard = false;
  }
}

/** Whoever lost what keeps it to its policies begins nothing until that is back. */
async function closed(nft: Nft, dirty: Dirty, { layout, zones }: Desired): Promise<NftCommand[]> {
  if (layout.egress === undefined || !dirty.tables.has(tableKey(ownTable.family, ownTable.name))) return [];
  const policed = [...zones.values()].filter(({ access }) => access?.mode === 'enforce').map(({ link }) => link);
  if (policed.length === 0) return [];
  const { family, name: table } = ownTable;
  const there = new Set((await nft.counters({ family, table, set: dropCounts.denied })).map(({ link }) => link));
  const lost = policed.filter((link) => !there.has(link));
  return lost.length === 0 ? [] : closeEgress(lost);
}
