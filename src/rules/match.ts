/** Whether a rule's conditions hold for a packet: `{"match": …}` and those that nobody can decide from outside. Pure. */
import type { NftObject } from '../host/port.ts';
import { lookUp } from './lookup.ts';
import { isRecord, type NamedSet, textOf } from './ruleset.ts';
import { conditionOf, partsOf } from './statements.ts';
import { agreed, constantOf, fits, known, not, type Truth, type Value } from './value.ts';

export interface Judged {
  readonly truth: Truth;
  /** Why it is undefined, for people. */
  readonly why: string;
}

type Ask = (expression: unknown) => Value;
type Sets = ReadonlyMap<string, NamedSet>;

const decided = (truth: boolean): Judged => ({ truth, why: '' });
/** Undefined where the statement is no condition. `ask` tells what an expression yields for the packet. */
export function judge(statement: NftObject, ask: Ask, sets: Sets): Judged | undefined {
  const [kind, inner] = partsOf(statement);
  if (kind === 'match' && isRecord(inner)) return judgeMatch(inner, ask, sets);
  const why = conditionOf(kind, inner);
  return why === undefined ? undefined : { truth: undefined, why };
}

function judgeMatch({ op, left, right }: NftObject, ask: Ask, sets: Sets): Judged {
  const value = ask(left);
  if (value.state === 'absent') return decided(false);
  const truth = compare(textOf(op), value, right, ask, sets);
  if (truth !== undefined) return decided(truth);
  return { truth, why: `it depends on ${doubtOf(value) ?? `a comparison with ${JSON.stringify(right)}`}` };
}

function compare(operator: string, value: Value, right: unknown, ask: Ask, sets: Sets): Truth {
  switch (operator) {
    case '==':
      return equals(value, right, ask, sets);
    case '!=':
      return not(equals(value, right, ask, sets));
    case 'in':
      return sharesBits(value, right, sets);
    case '!':
      return not(sharesBits(value, right, sets));
    default:
      return ordered(operator, value, right);
  }
}

function equals(value: Value, right: unknown, ask: Ask, sets: Sets): Truth {
  if ((typeof right === 'string' && right.startsWith('@')) || (isRecord(right) && 'set' in right)) {
    return lookUp(right, value, sets, false).truth;
  }
  // `fib … exists` and `missing`: any link, or none.
  if (typeof right === 'boolean' && value.state === 'known' && value.kind === 'name')
    return (value.value !== '') === right;
  if (isRecord(right) && isExpression(right)) {
    const other = ask(right);
    return other.state === 'known' && value.state === 'known' ? other.value === value.value : undefined;
  }
  return fits(right, value);
}

/** A list of flags: one of them is enough. */
function sharesBits(value: Value, right: unknown, sets: Sets): Truth {
  if (isRecord(right) && 'set' in right) return lookUp(right, value, sets, false).truth;
  if (value.state !== 'known') return undefined;
  const mask = constantOf(value.kind, right);
  return typeof mask === 'bigint' && typeof value.value === 'bigint' ? (value.value & mask) !== 0n : fits(right, value);
}

function ordered(operator: string, value: Value, right: unknown): Truth {
  if (value.state === 'among') {
    return agreed(value.spans.flat().map((end) => ordered(operator, known(value.kind, end), right)));
  }
  if (value.state !== 'known' || typeof value.value !== 'bigint') return undefined;
  const bound = constantOf(value.kind, right);
  if (typeof bound !== 'bigint') return undefined;
  if (operator === '<') return value.value < bound;
  if (operator === '<=') return value.value <= bound;
  if (operator === '>') return value.value > bound;
  return operator === '>=' ? value.value >= bound : undefined;
}

function isExpression(right: Readonly<Record<string, unknown>>): boolean {
  return ['payload', 'meta', 'ct', 'fib', 'map', '&'].some((kind) => kind in right);
}

function doubtOf(value: Value): string | undefined {
  if (value.state === 'unknown' || value.state === 'among') return value.why;
  if (value.state !== 'concat') return undefined;
  return value.parts.map(doubtOf).find((why) => why !== undefined);
}
