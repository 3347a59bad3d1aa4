/** Rules of others that set or look at the bit of the packet mark that is ours. */
import { z } from 'zod';
import type { NftObject } from '../../host/port.ts';
import { type Family, families } from '../../model/address.ts';
import { denyChain, filterTable, forwardChain, ownTable, reversePathTable } from '../../nft/names.ts';
import { legacyTables } from '../../rules/iptables-tables.ts';
import { fault } from '../../words/faults.ts';
import { findings } from '../../words/findings.ts';
import { type Judgement, ok } from '../finding.ts';
import type { Snapshot } from '../host-snapshot.ts';

interface Use {
  readonly where: string;
  readonly kind: 'sets' | 'matches';
  readonly bits: number;
}

const allBits = 0xffffffff;

export function checkMarks({ config, ruleset, saved, paths }: Snapshot): Judgement[] {
  const mark = config?.settings.forward.mark ?? 0;
  if (mark === 0 || ruleset === undefined) return [];
  const uses = [
    ...ruleset.flatMap(usesOfRule),
    ...families.flatMap((family) => usesOfSaved(saved.get(family) ?? '', family)),
  ];
  const colliding = uses.filter(({ bits }) => (bits & mark) !== 0);
  const [first] = colliding;
  if (first === undefined) return [ok(`no other rule uses the mark bit 0x${mark.toString(16)}`)];
  const free = freeBit(uses.reduce((taken, { bits }) => taken | bits, mark));
  const fix = `in ${paths.settings}: [forward] mark = ${free}`;
  const places = [...new Set(colliding.map(({ where, kind }) => `${where} ${kind} it`))];
  const gaps = { mark: `0x${mark.toString(16)}`, places: shortList(places) };
  if (colliding.every(({ kind }) => kind === 'matches')) {
    const why = 'those rules match packets of zones in the forward hook';
    return [fault(findings.marks.markUsed, gaps, 'warning', why, fix)];
  }
  const why = 'packets that they mark are accepted like those of zones, and lose the mark when our rules clear it';
  return [fault(findings.marks.markUsed, gaps, 'bad', why, fix)];
}

const mostPlaces = 5;

function shortList(places: readonly string[]): string {
  const more = places.length - mostPlaces;
  return `${places.slice(0, mostPlaces).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

/** The highest bit that nobody uses; 0, which does without, where there is none. */
function freeBit(taken: number): string {
  for (let bit = 31; bit >= 0; bit -= 1) {
    const value = (1 << bit) >>> 0;
    if ((taken & value) === 0) return `0x${value.toString(16)}`;
  }
  return '0';
}

const ruleSchema = z.looseObject({
  family: z.string(),
  table: z.string(),
  chain: z.string(),
  handle: z.number(),
  expr: z.array(z.record(z.string(), z.unknown())).default([]),
});
const matchSchema = z.object({ left: z.unknown(), right: z.unknown() });
const mangleSchema = z.object({ key: z.unknown(), value: z.unknown() });

function usesOfRule(object: NftObject): Use[] {
  const rule = ruleSchema.safeParse(object['rule']);
  if (!rule.success || isOurs(rule.data)) return [];
  const { family, table, chain, handle, expr } = rule.data;
  return usesOf(`${family} ${table} ${chain} (handle ${handle})`, expr);
}

function usesOf(where: string, expr: readonly NftObject[]): Use[] {
  return expr.flatMap((statement): Use[] => {
    const match = matchSchema.safeParse(statement['match']);
    if (match.success && isAboutMark(match.data.left)) {
      const [mask = allBits] = numbersIn(match.data.left);
      return [{ where, kind: 'matches', bits: mask === allBits ? bitsOf(numbersIn(match.data.right)) : mask }];
    }
    const mangle = mangleSchema.safeParse(statement['mangle']);
    if (!mangle.success || !isAboutMark(mangle.data.key)) return [];
    return [{ where, kind: 'sets', bits: bitsOf(changedBy(mangle.data.value)) }];
  });
}

function isOurs({ family, table, chain }: { family: string; table: string; chain: string }): boolean {
  if ([ownTable, reversePathTable].some((own) => own.family === family && own.name === table)) return true;
  return table === filterTable && (chain === forwardChain || chain === denyChain);
}

function isAboutMark(expression: unknown): boolean {
  if (typeof expression !== 'object' || expression === null) return false;
  if ((expression as { meta?: { key?: unknown } }).meta?.key === 'mark') return true;
  return Object.values(expression).some((part) => (Array.isArray(part) ? part.some(isAboutMark) : false));
}

/** What a new mark has other than the old one: what an `&` takes away, unless that is all, and what is added. */
function changedBy(value: unknown): number[] {
  if (typeof value !== 'object' || value === null) return numbersIn(value);
  return Object.entries(value).flatMap(([operator, operands]) => {
    if (!Array.isArray(operands)) return [];
    return operator === '&' ? numbersIn(operands).map((kept) => kept && ~kept >>> 0) : operands.flatMap(changedBy);
  });
}

function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(numbersIn);
}

function bitsOf(numbers: readonly number[]): number {
  return numbers.reduce((bits, number) => bits | number, 0);
}

/** Rules as iptables-save has them: nft prints extensions of iptables by their names only. */
function usesOfSaved(saved: string, family: Family): Use[] {
  const tool = family === 'ipv4' ? 'iptables' : 'ip6tables';
  const chains = legacyTables(family, saved).flatMap((table) => [...table.chains.values()]);
  return chains
    .filter(({ name }) => name !== forwardChain && name !== denyChain)
    .flatMap(({ table, name, rules }) => rules.flatMap(({ expr }) => usesOf(`${tool} -t ${table} ${name}`, expr)));
}
