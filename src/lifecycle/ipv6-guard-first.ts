/**
 * The second layer against forged IPv6 sources needs no looking at before it is put back: its table is made anew whenever
 * somebody has touched it, ahead of everything else in the pass. Without it, IPv6 would be open until all tables are read.
 */
import type { Nft } from '../host/port.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import type { LayoutSettings } from '../nft/layout-model.ts';
import { remakeReversePath } from '../nft/plan-reverse-path.ts';
import type { Dirty } from './dirty.ts';

export async function remakeIpv6Guard(nft: Nft, dirty: Dirty, layout: LayoutSettings | undefined): Promise<void> {
  if (!dirty.ipv6Guard || layout === undefined) return;
  try {
    await nft.transact(remakeReversePath(layout));
  } catch (error) {
    if (!(error instanceof ProtectNetworkError)) throw error;
    // The pass will find it missing, try again, and say what is wrong.
    dirty.ipv6Guard = false;
  }
}
