/**
 * A line of iptables-save as nft expressions, so that one evaluator judges both. What is not known here becomes
 * `{"undecided": …}`: the rule's condition then cannot be judged, and nobody guesses.
 */
import type { NftObject } from '../host/port.ts';
import type { Family } from '../model/address.ts';
import { translateMatch } from './iptables-match.ts';
import { translateTarget } from './iptables-target.ts';

/** `-A CHAIN …` → conditions and target, in order. */
export function translateRule(line: string, family: Family): NftObject[] {
  const words = splitWords(line).slice(2);
  const target = words.findIndex((word) => word === '-j' || word === '-g');
  const conditions = target < 0 ? words : words.slice(0, target);
  const targetWords = target < 0 ? [] : words.slice(target);
  return [...translateConditions(conditions, family), ...translateTarget(targetWords, family)];
}

function translateConditions(words: readonly string[], family: Family): NftObject[] {
  const expressions: NftObject[] = [];
  let module = '';
  for (let index = 0; index < words.length; ) {
    const negated = words[index] === '!';
    if (negated) index += 1;
    const option = words[index] ?? '';
    // Everything up to the next option, or the next negation of one, is the option's value.
    let end = index + 1;
    while (end < words.length && !isOption(words[end]) && words[end] !== '!') end += 1;
    const values = words.slice(index + 1, end);
    if (option === '-m') module = values[0] ?? '';
    else expressions.push(...translateMatch({ module, option, values, negated, family, all: words }));
    index = end;
  }
  return expressions;
}

function isOption(word: string | undefined): boolean {
  return word !== undefined && /^--?[a-z]/i.test(word);
}

/** iptables-save quotes words with spaces in double quotes, and quotes inside with a backslash. */
function splitWords(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    ([, quoted, bare]) => bare ?? quoted?.replace(/\\(.)/g, '$1') ?? '',
  );
}
