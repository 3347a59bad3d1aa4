/** The FORWARD chains of the shared filter tables: who denies there, and whether our jump stands. */
import type { NftObject } from '../../host/port.ts';
import type { Family } from '../../model/address.ts';
import { filterFamilies, filterTable, forwardChain, forwardHookChain } from '../../nft/names.ts';
import { isJumpTo, isOurJump, jumpPosition } from '../../nft/placement.ts';
import type { Table } from '../../nft/ruleset.ts';
import { fault } from '../../words/faults.ts';
import { findings } from '../../words/findings.ts';
import { filterTableOf } from '../filter-table.ts';
import { type Judgement, ok } from '../finding.ts';
import { isServed, type Snapshot, subnetsOf, zoneLinks } from '../host-snapshot.ts';

export function checkForwardChains(snapshot: Snapshot): Judgement[] {
  const { ruleset } = snapshot;
  if (ruleset === undefined) return [];
  return subnetsOf(snapshot).flatMap(({ family }) => judgeChain(snapshot, family, ruleset));
}

function judgeChain(snapshot: Snapshot, family: Family, ruleset: readonly NftObject[]): Judgement[] {
  const nftFamily = filterFamilies[family];
  const place = `${forwardHookChain} of ${nftFamily} ${filterTable}`;
  const table: Table = filterTableOf(family, ruleset) ?? { chains: new Map(), sets: new Map() };
  const chain = table.chains.get(forwardHookChain);
  const writers = writersOf(table);
  const by = writers.length === 0 ? '' : ` (${writers.join(' and ')} writes there)`;
  if (chain === undefined) {
    if (!isServed(snapshot)) return [];
    return [fault(words.noChain, { chain: place })];
  }
  const rules = chain.rules();
  const others = rules.filter((rule) => !isOurJump(rule));
  const jump = rules.findIndex((rule) => isJumpTo(rule, forwardChain));
  const ahead = rules.slice(0, jump).filter((rule) => !isOurJump(rule)).length;
  const end = jumpPosition(table, others, 'auto');
  const denies = chain.hook?.policy === 'drop' || end < others.length;
  if (jump >= 0 && ahead <= end) {
    return [
      ok(
        denies ? `${place} denies what no rule accepts${by}, and our jump comes first` : `our jump is in ${place}${by}`,
      ),
    ];
  }
  if (jump >= 0) return [fault(words.endsBefore, { chain: `${place}${by}` })];
  if (isServed(snapshot)) return [fault(words.noJump, { chain: `${place}${by}` })];
  if (!denies) return [ok(`${place} accepts what no rule denies${by}`)];
  const level = zoneLinks(snapshot).length > 0 ? 'bad' : 'warning';
  return [fault(words.denies, { chain: `${place}${by}` }, level)];
}

const words = findings['forward-chains'];
/** By the names that their chains have. */
function writersOf(table: Table): string[] {
  const names = [...table.chains.keys()];
  return [
    ...(names.some((name) => name === 'DOCKER' || name.startsWith('DOCKER-')) ? ['Docker'] : []),
    ...(names.some((name) => name.startsWith('ufw-') || name.startsWith('ufw6-')) ? ['ufw'] : []),
    ...(names.some((name) => name.startsWith('KUBE-')) ? ['kube-proxy'] : []),
    ...(names.some((name) => name.startsWith('LIBVIRT_')) ? ['libvirt'] : []),
  ];
}
