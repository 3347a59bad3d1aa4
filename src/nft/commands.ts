/** Builders for nft's commands. Every value in them is branded or a constant of ours. */
import type { BaseHook, ChainRef, NftCommand, NftFamily, SetLayout } from '../host/nft-command.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import type { LinkName } from '../model/link-name.ts';
import type { Expression } from './expressions.ts';

/** One command carries this many elements at most: nft's parser slows down on longer lists. */
const elementsPerCommand = 500;

export function addTable(family: NftFamily, table: string): NftCommand {
  return { kind: 'add-table', family, table };
}

export function deleteTable(family: NftFamily, table: string): NftCommand {
  return { kind: 'delete-table', family, table };
}

export function addChain(chain: ChainRef, hook?: BaseHook): NftCommand {
  return { kind: 'add-chain', ...chain, hook };
}

export function flushChain(chain: ChainRef): NftCommand {
  return { kind: 'flush-chain', ...chain };
}

export function deleteChain(chain: ChainRef): NftCommand {
  return { kind: 'delete-chain', ...chain };
}

export function addRule(chain: ChainRef, expr: readonly Expression[]): NftCommand {
  return { kind: 'add-rule', ...chain, expr };
}

export function insertRule(chain: ChainRef, expr: readonly Expression[], before: number | undefined): NftCommand {
  return { kind: 'insert-rule', ...chain, expr, before };
}

/** Throws `conflict` for a rule whose handle is not known: the ruleset has to be observed first. */
export function deleteRule(chain: ChainRef, handle: number | undefined, pairOf?: LinkName): NftCommand {
  if (handle === undefined) throw new ProtectNetworkError('conflict', `a rule in ${chain.chain} has no handle yet`);
  return { kind: 'delete-rule', ...chain, handle, ...(pairOf && { pairOf }) };
}

/** The documented pair: what lets a zone through where the mark or our own table is gone. */
export function acceptLink(chain: ChainRef, link: LinkName) {
  return (['oifname', 'iifname'] as const).map((key) => ({ kind: 'accept-link', ...chain, key, link }) as const);
}

export function addSet(family: NftFamily, table: string, layout: SetLayout): NftCommand {
  return { kind: 'add-set', family, table, set: layout.name, layout };
}

export function deleteSet(family: NftFamily, table: string, set: string): NftCommand {
  return { kind: 'delete-set', family, table, set };
}

/** `counted`: each that is added counts its packets. */
export function elements(
  verb: 'add' | 'delete',
  family: NftFamily,
  table: string,
  set: string,
  keys: readonly string[],
  counted = false,
): NftCommand[] {
  const commands: NftCommand[] = [];
  for (let start = 0; start < keys.length; start += elementsPerCommand) {
    const some = keys.slice(start, start + elementsPerCommand);
    commands.push({ kind: `${verb}-elements`, family, table, set, keys: some, counted });
  }
  return commands;
}
