/**
 * What becomes of zones' packets in a base chain of somebody else's on the forward hook. An accept of ours ends our own
 * base chain only: a packet must pass every other one as well. Pure; conditions that cannot be judged are followed both ways.
 */
import { z } from 'zod';
import type { NftObject } from '../host/port.ts';
import { judgeMatch, judgeValue, type Ternary, type ZonePacket } from './foreign-match.ts';

/** `may-end`: they end unless something accepts them whose condition cannot be judged. Rules against some of them are no end. */
export type Fate = 'pass' | 'end' | 'may-end';

/** The rules of a table by chain, in the order of evaluation. */
export type ForeignTable = ReadonlyMap<string, readonly Rule[]>;
type Rule = readonly NftObject[];

/** Some milliseconds of work. More rules than these on the way of one packet are given up, and only the policy counts. */
const maxRules = 5_000;

export function fateOf(table: ForeignTable, chain: string, policy: string, packet: ZonePacket): Fate {
  const walk = new Walk(table, packet);
  const { likely, possible } = walk.chain(chain);
  if (walk.isTooLong) return policy === 'drop' ? 'may-end' : 'pass';
  const isDenied = likely === 'end' || (likely === 'leave' && policy === 'drop');
  if (!isDenied) return 'pass';
  return possible.has('accept') || (possible.has('leave') && policy !== 'drop') ? 'may-end' : 'end';
}

/** Reads a listing. Others' tables may be long, and nothing in them is ours to compare. */
export function foreignTable(objects: readonly NftObject[]): ForeignTable {
  const table = new Map<string, Rule[]>();
  for (const object of objects) {
    const chain = chainSchema.safeParse(object['chain']);
    if (chain.success) table.set(chain.data.name, []);
    const rule = ruleSchema.safeParse(object['rule']);
    if (rule.success) table.get(rule.data.chain)?.push(rule.data.expr);
  }
  return table;
}

/** Where a packet goes after a statement; `leave` is back to the chain that jumped here. */
type Way = 'accept' | 'end' | 'leave' | 'next';

interface Ways {
  /** The way of a packet that no condition of unknown outcome picks out. */
  readonly likely: Way;
  readonly possible: ReadonlySet<Way>;
}

const next: Ways = only('next');
/** A statement that nobody here understands may do anything. */
const anything: Ways = { likely: 'next', possible: new Set<Way>(['accept', 'end', 'leave', 'next']) };
/** Statements that look at nothing that decides, and send a packet nowhere. */
const harmless = new Set(['counter', 'log', 'mangle', 'notrack', 'set', 'map', 'ct helper', 'flow']);
/** Statements that some packets pass and others do not. */
const conditions = new Set(['limit', 'quota', 'ct count', 'meter', 'xt']);
const chainSchema = z.object({ name: z.string() });
const ruleSchema = z.object({ chain: z.string(), expr: z.array(z.record(z.string(), z.unknown())).default([]) });
const jumpSchema = z.object({ target: z.string() });
const vmapSchema = z.object({
  key: z.unknown(),
  data: z.object({ set: z.array(z.tuple([z.unknown(), z.looseObject({})])) }),
});

class Walk {
  readonly #table: ForeignTable;
  readonly #packet: ZonePacket;
  /** A chain is walked once, from wherever it is reached. */
  readonly #known = new Map<string, Ways>();
  #rules = 0;

  constructor(table: ForeignTable, packet: ZonePacket) {
    this.#table = table;
    this.#packet = packet;
  }

  get isTooLong(): boolean {
    return this.#rules >= maxRules;
  }

  chain(name: string): Ways {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    // The kernel refuses loops; this only keeps a half-read table from hanging us.
    this.#known.set(name, anything);
    const ways = this.#walk(this.#table.get(name));
    this.#known.set(name, ways);
    return ways;
  }

  #walk(rules: readonly Rule[] | undefined): Ways {
    if (rules === undefined) return anything;
    const possible = new Set<Way>();
    let likely: Way | undefined;
    for (const rule of rules) {
      this.#rules += 1;
      if (this.isTooLong) return anything;
      const ways = this.#rule(rule);
      for (const way of ways.possible) if (way !== 'next') possible.add(way);
      if (ways.likely !== 'next') likely ??= ways.likely;
      if (!ways.possible.has('next')) return { likely: likely ?? 'leave', possible };
    }
    return { likely: likely ?? 'leave', possible: possible.add('leave') };
  }

  #rule(rule: Rule): Ways {
    let holds: Ternary = 'yes';
    for (const statement of rule) {
      const verdict = this.#verdict(statement);
      if (verdict !== undefined) return holds === 'yes' ? verdict : maybe(verdict);
      const condition = this.#condition(statement);
      if (condition === 'no') return next;
      if (condition === 'unknown') holds = 'unknown';
      // A target of iptables' is printed by its name only.
      if ('xt' in statement) return anything;
    }
    return next;
  }

  #condition(statement: NftObject): Ternary {
    if ('match' in statement) return judgeMatch(statement['match'], this.#packet);
    const isHarmless = Object.keys(statement).every((key) => harmless.has(key));
    return isHarmless ? 'yes' : 'unknown';
  }

  /** Undefined for a statement that sends packets nowhere. */
  #verdict(statement: NftObject): Ways | undefined {
    if ('accept' in statement) return only('accept');
    if ('drop' in statement || 'reject' in statement) return only('end');
    if ('return' in statement) return only('leave');
    if ('continue' in statement) return next;
    if ('jump' in statement) return backTo('next', this.#target(statement['jump']));
    if ('goto' in statement) return this.#target(statement['goto']);
    if ('vmap' in statement) return this.#verdictMap(statement['vmap']);
    const isKnown = Object.keys(statement).every((key) => key === 'match' || harmless.has(key) || conditions.has(key));
    return isKnown ? undefined : anything;
  }

  #target(value: unknown): Ways {
    const jump = jumpSchema.safeParse(value);
    return jump.success ? this.chain(jump.data.target) : anything;
  }

  #verdictMap(value: unknown): Ways {
    const map = vmapSchema.safeParse(value);
    if (!map.success) return anything;
    const possible = new Set<Way>(['next']);
    for (const [key, verdict] of map.data.data.set) {
      const holds = judgeValue(map.data.key, key, this.#packet);
      if (holds === 'no') continue;
      const ways = this.#verdict(verdict) ?? anything;
      if (holds === 'yes') return ways;
      for (const way of ways.possible) possible.add(way);
    }
    return { likely: 'next', possible };
  }
}

function only(way: Way): Ways {
  return { likely: way, possible: new Set([way]) };
}

/** What a rule does whose condition may hold or not. */
function maybe({ possible }: Ways): Ways {
  return { likely: 'next', possible: new Set<Way>([...possible, 'next']) };
}

/** After a jump, a packet that leaves the chain goes on behind the jump. */
function backTo(place: Way, { likely, possible }: Ways): Ways {
  const back = (way: Way) => (way === 'leave' ? place : way);
  return { likely: back(likely), possible: new Set([...possible].map(back)) };
}
