/** What people would see changed in policies. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { limitTexts } from '../policy/limits.ts';
import type { Policy, Publication } from '../policy/model.ts';
import { isPrivate } from '../policy/rule.ts';

/** Rules of one file that are told; the others are counted. */
const maxTold = 8;

/** One line for each file in which something else is said now, in the order of their names; where it stands does not count. */
export function policyChanges(before: readonly Policy[], after: readonly Policy[]): string[] {
  // Files that were not read again share theirs.
  const shared = new Set(before).intersection(new Set(after));
  const changed = (policies: readonly Policy[]) => byFile(policies.filter((policy) => !shared.has(policy)));
  const [old, fresh] = [changed(before), changed(after)];
  return [...new Set([...old.keys(), ...fresh.keys()])].sort().flatMap((file) => {
    const [had, has] = [old.get(file) ?? [], fresh.get(file) ?? []];
    if (isDeepStrictEqual(had, has)) return [];
    const [added, removed] = [without(has.flat(), had.flat()), without(had.flat(), has.flat())];
    const all = [...added.map((each) => `+ ${each}`), ...removed.map((each) => `− ${each}`)];
    const more = all.length > maxTold ? [`and ${all.length - maxTold} more`] : [];
    // The same words, in other policies or in another order.
    return [`${file}: ${all.length === 0 ? 'rearranged' : [...all.slice(0, maxTold), ...more].join(', ')}`];
  });
}

/** What each policy of a file says, as words. */
function byFile(policies: readonly Policy[]): Map<string, readonly (readonly string[])[]> {
  const files = new Map<string, (readonly string[])[]>();
  for (const policy of policies) {
    const { file } = policy.place;
    const known = files.get(file);
    if (known === undefined) files.set(file, [wordsOf(policy)]);
    else known.push(wordsOf(policy));
  }
  return files;
}

function wordsOf({ selector, egress, publish, limits }: Policy): string[] {
  const { zones, links, addresses } = selector;
  const named = (word: string, texts: readonly string[]) => texts.map((text) => `${word} ${JSON.stringify(text)}`);
  return [
    ...named('zones', zones),
    ...named('links', links),
    ...named(
      'addresses',
      addresses.map(({ text }) => text),
    ),
    ...(egress === undefined ? [] : [`mode ${JSON.stringify(egress.mode)}`]),
    ...(egress?.allow ?? []).map((rule) => `allow ${JSON.stringify(rule.text)}${isPrivate(rule) ? ' (private)' : ''}`),
    ...named(
      'deny',
      (egress?.deny ?? []).map(({ text }) => text),
    ),
    ...publish.map(publishedAs),
    ...(limits === undefined ? [] : limitTexts(limits)),
  ];
}

function publishedAs({ text, to, from }: Publication): string {
  const who = from.length === 0 ? '' : ` from ${from.map((prefix) => prefix.text).join(' and ')}`;
  return `publish ${JSON.stringify(text)} to ${to}${who}`;
}

/** What of `some` is not in `others`, each as often as it is there too often. */
function without(some: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const each of others) left.set(each, (left.get(each) ?? 0) + 1);
  return some.filter((each) => {
    const count = left.get(each) ?? 0;
    left.set(each, count - 1);
    return count <= 0;
  });
}
