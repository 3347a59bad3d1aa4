/** Whether a rule's conditions hold for a packet: `{"match": …}` and those that nobody can decide from outside. Pure. */
import { evaluate, type View } from './expression.ts';
import { lookUp } from './lookup.ts';
import { isRecord, textOf } from './ruleset.ts';
import { constantOf, fits, known, not, type Truth, type Value } from './value.ts';

export interface Judged {
  readonly truth: Truth;
  /** Why it is undefined, for people. */
  readonly why: string;
}

const decided = (truth: boolean): Judged => ({ truth, why: '' });
/** Conditions on what happened before, when, or at random. */
const undecidable: Readonly<Record<string, string>> = {
  limit: 'it limits a rate',
  quota: 'it counts a quota',
  'ct count': 'it counts connections',
  meter: 'it meters',
  xt: 'it is an extension of iptables that nft does not show',
  undecided: 'it has a condition that cannot be judged from here',
};

/** Verdicts, and what changes the packet or only looks at it. Whatever is in neither list may be a condition. */
const harmless = new Set([
  ...[
    'accept',
    'drop',
    'reject',
    'return',
    'continue',
    'jump',
    'goto',
    'vmap',
    'queue',
    'fwd',
    'dup',
    'tproxy',
    'synproxy',
  ],
  ...[
    'snat',
    'dnat',
    'masquerade',
    'redirect',
    'mangle',
    'notrack',
    'counter',
    'log',
    'flow',
    'last',
    'secmark',
    'undecided-target',
  ],
  ...['ct helper', 'ct timeout', 'ct expectation'],
]);

/** Undefined where the statement is no condition. */
export function judge(statement: Readonly<Record<string, unknown>>, view: View): Judged | undefined {
  const [[kind, inner] = ['', undefined]] = Object.entries(statement);
  if (kind === 'match' && isRecord(inner)) return judgeMatch(inner, view);
  if (kind === 'undecided') return { truth: undefined, why: `it depends on ${textOf(inner)}` };
  if (kind === 'xt')
    return isTarget(inner) ? undefined : { truth: undefined, why: `${undecidable['xt']} (${nameOf(inner)})` };
  // An addition to a set fails only where the set is full; with a condition of its own it may end the rule.
  if (kind === 'set')
    return hasConditions(inner) ? { truth: undefined, why: 'it updates a set under a condition' } : undefined;
  if (harmless.has(kind)) return undefined;
  return { truth: undefined, why: undecidable[kind] ?? `it has a statement that is not known here (${kind})` };
}

function judgeMatch({ op, left, right }: Readonly<Record<string, unknown>>, view: View): Judged {
  const value = evaluate(left, view);
  if (value.state === 'absent') return decided(false);
  const truth = compare(textOf(op), value, right, view);
  if (truth !== undefined) return decided(truth);
  return { truth, why: `it depends on ${doubtOf(value) ?? `a comparison with ${JSON.stringify(right)}`}` };
}

function compare(operator: string, value: Value, right: unknown, view: View): Truth {
  switch (operator) {
    case '==':
      return equals(value, right, view);
    case '!=':
      return not(equals(value, right, view));
    case 'in':
      return sharesBits(value, right, view);
    case '!':
      return not(sharesBits(value, right, view));
    default:
      return ordered(operator, value, right);
  }
}

function equals(value: Value, right: unknown, view: View): Truth {
  if ((typeof right === 'string' && right.startsWith('@')) || (isRecord(right) && 'set' in right)) {
    return lookUp(right, value, view.sets, false).truth;
  }
  // `fib … exists` and `missing`: any link, or none.
  if (typeof right === 'boolean' && value.state === 'known' && value.kind === 'name')
    return (value.value !== '') === right;
  if (isRecord(right) && isExpression(right)) {
    const other = evaluate(right, view);
    return other.state === 'known' && value.state === 'known' ? other.value === value.value : undefined;
  }
  return fits(right, value);
}

/** A list of flags: one of them is enough. */
function sharesBits(value: Value, right: unknown, view: View): Truth {
  if (isRecord(right) && 'set' in right) return lookUp(right, value, view.sets, false).truth;
  if (value.state !== 'known') return undefined;
  const mask = constantOf(value.kind, right);
  return typeof mask === 'bigint' && typeof value.value === 'bigint' ? (value.value & mask) !== 0n : fits(right, value);
}

function ordered(operator: string, value: Value, right: unknown): Truth {
  if (value.state === 'between') return orderedBetween(operator, value.low, value.high, right);
  if (value.state !== 'known' || typeof value.value !== 'bigint') return undefined;
  const bound = constantOf(value.kind, right);
  if (typeof bound !== 'bigint') return undefined;
  if (operator === '<') return value.value < bound;
  if (operator === '<=') return value.value <= bound;
  if (operator === '>') return value.value > bound;
  return operator === '>=' ? value.value >= bound : undefined;
}

/** Decided where both ends agree. */
function orderedBetween(operator: string, low: bigint, high: bigint, right: unknown): Truth {
  const [atLow, atHigh] = [low, high].map((end) => ordered(operator, known('number', end), right));
  return atLow === atHigh ? atLow : undefined;
}

function isExpression(right: Readonly<Record<string, unknown>>): boolean {
  return ['payload', 'meta', 'ct', 'fib', 'map', '&'].some((kind) => kind in right);
}

export function doubtOf(value: Value): string | undefined {
  if (value.state === 'unknown' || value.state === 'between') return value.why;
  if (value.state !== 'concat') return undefined;
  return value.parts.map(doubtOf).find((why) => why !== undefined);
}

function hasConditions(inner: unknown): boolean {
  const stmt = isRecord(inner) ? inner['stmt'] : undefined;
  return Array.isArray(stmt) && stmt.some((each) => !isRecord(each) || !('counter' in each));
}

function isTarget(inner: unknown): boolean {
  return isRecord(inner) && inner['type'] === 'target';
}

function nameOf(inner: unknown): string {
  return isRecord(inner) && typeof inner['name'] === 'string' ? inner['name'] : 'unnamed';
}
