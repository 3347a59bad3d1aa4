/** Runs the transaction and carries the observed ruleset forward by it. */
import type { ChainRef, NftCommand } from '../host/nft-command.ts';
import type { Nft } from '../host/port.ts';
import { addChain, addRule, addTable, flushChain } from './commands.ts';
import { outputGuardName, silence } from './layout-deny.ts';
import { ownTable } from './names.ts';
import { advance, type Ruleset, tableKey } from './ruleset.ts';

/** All or nothing; on a throw the ruleset must be observed again before the next plan. */
export async function applyRuleset(nft: Nft, observed: Ruleset, commands: readonly NftCommand[]): Promise<void> {
  if (commands.length === 0) return;
  const own = observed.get(tableKey(ownTable.family, ownTable.name));
  const makesGuard = commands.some((command) => command.kind === 'add-chain' && command.chain === outputGuardName);
  const isLoud = makesGuard && own?.chains.has(outputGuardName) !== true;
  if (isLoud) await nft.transact(silentOutput);
  const handles = await nft.transact(isLoud ? [flushChain(outputGuardRef), ...commands] : commands);
  advance(observed, commands, handles);
}

const outputGuardRef: ChainRef = { family: ownTable.family, table: ownTable.name, chain: outputGuardName };

/**
 * The kernel begins to track connections while it reads the first rule that asks for their state, milliseconds before the
 * transaction's rules are in force: what dom0 sent to zones in between counted as dom0's own. So it sends nothing then
 * that could be an answer, and nothing either where the transaction fails, until one succeeds.
 */
const silentOutput: NftCommand[] = [
  addTable(ownTable.family, ownTable.name),
  addChain(outputGuardRef, { type: 'filter', hook: 'output', prio: 0, policy: 'accept' }),
  ...silence.map((rule) => addRule(outputGuardRef, rule)),
];
