/** Runs the transaction and carries the observed ruleset forward by it. */
import type { Nft, NftCommand } from '../host/port.ts';
import { advance, type Ruleset } from './ruleset.ts';

/** All or nothing; on a throw the ruleset must be observed again before the next plan. */
export async function applyRuleset(nft: Nft, observed: Ruleset, commands: readonly NftCommand[]): Promise<void> {
  if (commands.length === 0) return;
  // First, so that the handles that the kernel tells find their rules.
  advance(observed, commands);
  await nft.transact(commands);
}
