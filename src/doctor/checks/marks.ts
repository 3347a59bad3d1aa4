/** Rules of others that set or look at the bit of the packet mark that is ours. */
import { z } from 'zod';
import type { NftObject } from '../../host/port.ts';
import { type Family, families } from '../../model/address.ts';
import { denyChain, filterTable, forwardChain, ownTable, reversePathTable } from '../../nft/names.ts';
import { bad, type Judgement, ok, warning } from '../finding.ts';
import type { Snapshot } from '../snapshot.ts';

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
  if (first === undefined) return [ok(`the mark bit 0x${mark.toString(16)} is nobody else's`)];
  const free = freeBit(uses.reduce((taken, { bits }) => taken | bits, mark));
  const fix = `in ${paths.settings}: [forward] mark = ${free}`;
  const places = [...new Set(colliding.map(({ where, kind }) => `${where} ${kind} it`))];
  const what = `0x${mark.toString(16)}, our bit of the packet mark, is somebody else's too: ${shortList(places)}`;
  if (colliding.every(({ kind }) => kind === 'matches')) {
    return [warning(what, 'in the forward hook those rules take packets of zones for theirs', fix)];
  }
  return [
    bad(what, 'packets that they mark are accepted like those of zones, and lose the mark when we take ours away', fix),
  ];
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
  const where = `${family} ${table} ${chain} (handle ${handle})`;
  return expr.flatMap((statement): Use[] => {
    const match = matchSchema.safeParse(statement['match']);
    if (match.success && isAboutMark(match.data.left)) {
      const [mask] = numbersIn(match.data.left);
      return [{ where, kind: 'matches', bits: mask ?? bitsOf(numbersIn(match.data.right)) }];
    }
    const mangle = mangleSchema.safeParse(statement['mangle']);
    if (!mangle.success || !isAboutMark(mangle.data.key)) return [];
    return [{ where, kind: 'sets', bits: bitsOf(addedBy(mangle.data.value)) }];
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

/** What a new mark has more than the old one: not the mask of an `&`. */
function addedBy(value: unknown): number[] {
  if (typeof value !== 'object' || value === null) return numbersIn(value);
  return Object.entries(value).flatMap(([operator, operands]) =>
    Array.isArray(operands) && operator !== '&' ? operands.flatMap(addedBy) : [],
  );
}

function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(numbersIn);
}

function bitsOf(numbers: readonly number[]): number {
  return numbers.reduce((bits, number) => bits | number, 0);
}

const matched = /-m mark (?:! )?--mark (0x[\da-f]+)(?:\/(0x[\da-f]+))?/g;
const set = /--(?:set-xmark|set-mark|or-mark|xor-mark) (0x[\da-f]+)(?:\/(0x[\da-f]+))?/g;

/** Lines of iptables-save: nft prints extensions of iptables by their names only. */
function usesOfSaved(saved: string, family: Family): Use[] {
  let table = '';
  return saved.split('\n').flatMap((line): Use[] => {
    if (line.startsWith('*')) table = line.slice(1);
    const chain = /-A (\S+)/.exec(line)?.[1];
    if (chain === undefined || chain === forwardChain || chain === denyChain) return [];
    const where = `${family === 'ipv4' ? 'iptables' : 'ip6tables'} -t ${table} ${chain}`;
    // Of the two kinds of mark, CONNMARK's is the connection's.
    const target = line.includes('-j CONNMARK') ? '' : line;
    return [
      ...[...line.matchAll(matched)].map(
        ([, value, mask]): Use => ({ where, kind: 'matches', bits: partial(mask) ?? Number(value) }),
      ),
      ...[...target.matchAll(set)].map(
        ([, value, mask]): Use => ({ where, kind: 'sets', bits: (partial(mask) ?? 0) | Number(value) }),
      ),
    ];
  });
}

/** The mask, unless it is all of the mark: then only the value says whose bits are meant. */
function partial(mask: string | undefined): number | undefined {
  return mask === undefined || Number(mask) === allBits ? undefined : Number(mask);
}
