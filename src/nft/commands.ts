/** nft's JSON commands for the objects we use. Every value in them is branded or a constant of ours. */
import type { NftCommand, NftFamily } from '../host/port.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import type { Expression } from './expressions.ts';
import type { BaseHook, SetLayout } from './layout-model.ts';

export interface ChainRef {
  readonly family: NftFamily;
  readonly table: string;
  readonly chain: string;
}

/** One command carries this many elements at most: nft's parser slows down on longer lists. */
const elementsPerCommand = 500;

export function addTable(family: NftFamily, name: string): NftCommand {
  return { add: { table: { family, name } } };
}

export function deleteTable(family: NftFamily, name: string): NftCommand {
  return { delete: { table: { family, name } } };
}

/** Without a policy the kernel gives a new chain `accept`, and leaves one that has come meanwhile as it is. */
export function addChain(
  { family, table, chain }: ChainRef,
  hook?: BaseHook & { readonly policy?: string },
): NftCommand {
  const base = hook ?? {};
  return { add: { chain: { family, table, name: chain, ...base } } };
}

export function flushChain({ family, table, chain }: ChainRef): NftCommand {
  return { flush: { chain: { family, table, name: chain } } };
}

export function deleteChain({ family, table, chain }: ChainRef): NftCommand {
  return { delete: { chain: { family, table, name: chain } } };
}

export function addRule({ family, table, chain }: ChainRef, expr: readonly Expression[]): NftCommand {
  return { add: { rule: { family, table, chain, expr } } };
}

export function insertRule(
  { family, table, chain }: ChainRef,
  expr: readonly Expression[],
  before: number | undefined,
): NftCommand {
  const place = before === undefined ? {} : { handle: before };
  return { insert: { rule: { family, table, chain, ...place, expr } } };
}

/** Throws `conflict` for a rule whose handle is not known yet: the ruleset has to be observed first. */
export function deleteRule({ family, table, chain }: ChainRef, handle: number | undefined): NftCommand {
  if (handle === undefined) throw new ProtectNetworkError('conflict', `a rule in ${chain} has no handle yet`);
  return { delete: { rule: { family, table, chain, handle } } };
}

export function addSet(family: NftFamily, table: string, set: SetLayout): NftCommand {
  const counted = set.counted === true ? { stmt: [{ counter: null }] } : {};
  const filled = set.filled === undefined ? {} : { flags: ['timeout'], ...set.filled };
  return { add: { set: { family, table, name: set.name, type: set.type, ...counted, ...filled } } };
}

export function deleteSet(family: NftFamily, table: string, name: string): NftCommand {
  return { delete: { set: { family, table, name } } };
}

/** `keys` as `ruleset.ts`'s elementKey writes them. */
export function elements(
  verb: 'add' | 'delete',
  family: NftFamily,
  table: string,
  name: string,
  keys: readonly string[],
): NftCommand[] {
  const commands: NftCommand[] = [];
  for (let start = 0; start < keys.length; start += elementsPerCommand) {
    const elem = keys.slice(start, start + elementsPerCommand).map(elementOfKey);
    commands.push({ [verb]: { element: { family, table, name, elem } } });
  }
  return commands;
}

function elementOfKey(key: string): unknown {
  const parts = key.split(' ');
  return parts.length === 1 ? key : { concat: parts };
}
